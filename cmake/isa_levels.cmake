# cpp/kernels is compiled once per instruction-set level, each into a namespace of its own (LIKEWISE_LEVEL): the linker
# can then never hand a function compiled for a newer processor to an older one. cpp/backend/dispatch.cpp picks a table.
file(GLOB likewise_kernel_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cpp/kernels/*.cpp)
set(likewise_kernel_objects "")

function(likewise_add_level level)
  add_library(likewise_kernels_${level} OBJECT ${likewise_kernel_sources})
  target_link_libraries(likewise_kernels_${level} PRIVATE likewise_flags)
  target_compile_definitions(likewise_kernels_${level} PRIVATE LIKEWISE_LEVEL=${level} LIKEWISE_LEVEL_NAME="${level}")
  target_compile_options(likewise_kernels_${level} PRIVATE ${ARGN} -fno-exceptions -fno-rtti)
  set(likewise_kernel_objects ${likewise_kernel_objects} $<TARGET_OBJECTS:likewise_kernels_${level}> PARENT_SCOPE)
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(likewise_levels v2 v3 v4)
  likewise_add_level(v2 -march=x86-64-v2)
  likewise_add_level(v3 -march=x86-64-v3)
  likewise_add_level(v4 -march=x86-64-v4 -mprefer-vector-width=512)
else()
  set(likewise_levels neon)
  likewise_add_level(neon)
endif()
