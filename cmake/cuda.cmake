# CUDA is part of the wheel only where it was asked for, or where a compiler and a device are found. Sets
# likewise_cuda_libraries, the kernels of cuda/ and the static runtime, or else likewise_no_cuda_sources, no_cuda.cpp
# with the reason why there are none.
set(likewise_cuda_libraries "")
set(likewise_no_cuda_sources "")
set(likewise_no_cuda_reason "")
set(likewise_cuda_architectures 80-real 90a-real 90-virtual)

if(LIKEWISE_CUDA STREQUAL "OFF")
  set(likewise_no_cuda_reason "it was built with LIKEWISE_CUDA=OFF")
elseif(LIKEWISE_CUDA STREQUAL "AUTO")
  find_program(LIKEWISE_NVCC nvcc HINTS /usr/local/cuda/bin)
  find_program(LIKEWISE_NVIDIA_SMI nvidia-smi)
  if(NOT LIKEWISE_NVCC)
    set(likewise_no_cuda_reason "no nvcc was found when it was built")
  elseif(NOT LIKEWISE_NVIDIA_SMI)
    set(likewise_no_cuda_reason "no device was found when it was built")
  else()
    execute_process(COMMAND ${LIKEWISE_NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader
                    OUTPUT_VARIABLE capabilities OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    string(REGEX MATCHALL "[0-9]+\\.[0-9]" capabilities "${capabilities}")
    list(REMOVE_DUPLICATES capabilities)
    list(TRANSFORM capabilities REPLACE "\\." "")
    list(TRANSFORM capabilities REPLACE "^90$" "90a")  # the features that only this architecture has
    list(TRANSFORM capabilities APPEND "-real")
    set(likewise_cuda_architectures ${capabilities})
    if(failed OR NOT capabilities)
      set(likewise_no_cuda_reason "no device was found when it was built")
    endif()
  endif()
elseif(NOT LIKEWISE_CUDA STREQUAL "ON")
  message(FATAL_ERROR "LIKEWISE_CUDA must be AUTO, ON or OFF, got ${LIKEWISE_CUDA}")
endif()

if(likewise_no_cuda_reason)
  message(STATUS "likewise without CUDA: ${likewise_no_cuda_reason}")
  set(likewise_no_cuda_sources ${CMAKE_CURRENT_SOURCE_DIR}/cpp/backend/no_cuda.cpp)
  set_source_files_properties(${likewise_no_cuda_sources} PROPERTIES
                              COMPILE_DEFINITIONS "LIKEWISE_NO_CUDA_REASON=\"${likewise_no_cuda_reason}\"")
else()
  message(STATUS "likewise with CUDA for ${likewise_cuda_architectures}")
  set(CMAKE_CUDA_ARCHITECTURES ${likewise_cuda_architectures})
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  file(GLOB likewise_cuda_sources CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.cu ${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.cpp)
  add_library(likewise_cuda OBJECT ${likewise_cuda_sources})
  set_target_properties(likewise_cuda PROPERTIES CUDA_STANDARD 20 CUDA_RUNTIME_LIBRARY Static)
  target_include_directories(likewise_cuda PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  # The same arithmetic as on the CPU: fma where it is written, nowhere else.
  target_compile_options(likewise_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false -Xcompiler=-Wall,-Wextra>
                                               $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra>)
  target_link_libraries(likewise_cuda PRIVATE CUDA::cudart_static)
  # As objects, not as members of an archive: all are linked, so that a kernel with a NO_KERNEL is an error too.
  set(likewise_cuda_libraries $<TARGET_OBJECTS:likewise_cuda> CUDA::cudart_static)
endif()
