#include "cpp/data/factorization.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "cpp/backend/dispatch.h"
#include "cpp/core/check.h"
#include "cpp/core/parallel.h"
#include "cpp/core/random.h"

namespace lw {
namespace {

// order <- the positions of `keys` sorted by key, equal keys in their order: counting sort by digits from the lowest.
void sort_positions(const std::vector<i32>& keys, i64 n_keys, std::vector<i32>& order) {
  const int bits = std::max(1, static_cast<int>(std::bit_width(static_cast<u64>(n_keys - 1))));
  const int passes = (bits + 11) / 12, digit = (bits + passes - 1) / passes;
  const std::size_t count = keys.size();
  std::vector<i32> other(passes > 1 ? count : 0), place(std::size_t{1} << digit);
  order.resize(count);
  for (int pass = 0; pass < passes; ++pass) {
    const auto bucket = [&](i32 position) { return keys[position] >> (pass * digit) & ((1 << digit) - 1); };
    std::fill(place.begin(), place.end(), 0);
    for (std::size_t i = 0; i < count; ++i) ++place[bucket(static_cast<i32>(i))];
    for (i32 sum = 0; i32& at : place) sum += std::exchange(at, sum);
    if (pass > 0) order.swap(other);
    for (std::size_t i = 0; i < count; ++i) {
      const i32 position = pass == 0 ? static_cast<i32>(i) : other[i];
      order[place[bucket(position)]++] = position;
    }
  }
}

// The distinct keys in the order given, and where each begins; visit(place, number of its key) for every place. There
// is no branch on the keys, which are hard to guess.
template <typename KeyAt, typename Visit>
void find_segments(i64 count, std::vector<i32>& distinct, std::vector<i32>& begin, const KeyAt& key_at,
                   const Visit& visit) {
  distinct.resize(static_cast<std::size_t>(count));
  begin.resize(static_cast<std::size_t>(count + 1));
  i64 found = 0;
  i32 before = -1;
  for (i64 at = 0; at < count; ++at) {
    const i32 key = key_at(at);
    distinct[found] = key;  // stays only if the key is new
    begin[found] = static_cast<i32>(at);
    found += key != before ? 1 : 0;
    before = key;
    visit(at, static_cast<i32>(found - 1));
  }
  distinct.resize(static_cast<std::size_t>(found));
  begin[found] = static_cast<i32>(count);
  begin.resize(static_cast<std::size_t>(found + 1));
}

RowTable row_table(const TrainedTable& table) {
  if (!table.values) return {};
  return {.rows = table.values.dim(0),
          .dim = table.values.rank() == 2 ? table.values.dim(1) : 1,
          .values = floats_or_null(table.values),
          .first = floats_or_null(table.first),
          .second = floats_or_null(table.second)};
}

void check_table(const char* name, const TrainedTable& table, i64 rank, RowRule rule) {
  expect(table.values.rank() == rank, "factorization", name, " must have ", rank, " dimensions, got ",
         table.values.shape());
  const auto check_moment = [&](const char* moment, const Array& array, bool needed) {
    expect(!needed || (array && array.shape() == table.values.shape()), "factorization", "the ", moment, " moments of ",
           name, " must have shape ", table.values.shape(), ", got ", array ? array.shape() : Shape{});
  };
  check_moment("first", table.first, rule == RowRule::adam);
  check_moment("second", table.second, rule != RowRule::sgd);
}

// How far each row of a table is, while steps are made that move every row; nothing unless `exact`.
class RowsBehind {
 public:
  RowsBehind(const TrainedTable& table, const TrainedTable& biases, const std::vector<RowUpdate>& updates, bool exact)
      : made_(exact ? static_cast<std::size_t>(table.values.dim(0)) : 0),
        behind_{.table = row_table(table),
                .biases = row_table(biases),
                .updates = updates.data(),
                .until = static_cast<i64>(updates.size()),
                .rows = nullptr,
                .count = 0,
                .made = made_.data(),
                .made_after = static_cast<i32>(updates.size()),
                .highest_rate = 0,
                .lowest_epsilon = std::numeric_limits<float>::infinity()} {
    for (const RowUpdate& update : updates) {
      behind_.highest_rate = std::max(behind_.highest_rate, update.rate);
      behind_.lowest_epsilon = std::min(behind_.lowest_epsilon, update.epsilon);
    }
  }

  // Brings the rows of a batch up to step `number`, which the batch then makes.
  void catch_up(const i32* rows, i64 count, i64 number) const {
    if (made_.empty()) return;
    RowCatchUp now = behind_;
    now.rows = rows, now.count = count, now.until = number, now.made_after = static_cast<i32>(number + 1);
    kernels(Device::cpu).factorization_catch_up(now);
  }
  void catch_up_all() const {
    if (!made_.empty()) kernels(Device::cpu).factorization_catch_up(behind_);
  }

 private:
  std::vector<i32> made_;
  RowCatchUp behind_;
};

}  // namespace

void FactorizationPlan::prepare(const Batches& batches, i64 epoch, i64 step) {
  batches.draw(epoch, step, samples_);
  negatives_ = batches.settings().negatives;
  const i64 width = 1 + negatives_, positions = samples_.count;

  sort_positions(samples_.users, batches.n_users(), order_);
  items_.resize(static_cast<std::size_t>(positions * width));
  origin_.resize(items_.size());
  find_segments(
      positions, user_, user_begin_, [&](i64 at) { return samples_.users[order_[at]]; },
      [&](i64 at, i32 user) {
        const i32* from = samples_.items.data() + order_[at] * width;
        for (i64 slot = 0; slot < width; ++slot) {
          items_[at * width + slot] = from[slot];
          origin_[at * width + slot] = user << 1 | (slot == 0 ? 1 : 0);
        }
      });
  ratings_.resize(samples_.ratings.size());
  for (std::size_t at = 0; at < ratings_.size(); ++at) ratings_[at] = samples_.ratings[order_[at]];

  sort_positions(items_, batches.n_items(), entry_);
  entry_user_.resize(entry_.size());
  item_positives_.assign(entry_.size(), 0);
  find_segments(
      positions * width, item_, item_begin_, [&](i64 at) { return items_[entry_[at]]; },
      [&](i64 at, i32 item) {
        const i32 origin = origin_[entry_[at]];
        entry_user_[at] = origin >> 1;
        item_positives_[item] += origin & 1;
      });
  item_positives_.resize(item_.size());
}

FactorizationBatch FactorizationPlan::batch() const {
  return {.positions = samples_.count,
          .negatives = negatives_,
          .items = items_.data(),
          .ratings = ratings_.empty() ? nullptr : ratings_.data(),
          .users = static_cast<i64>(user_.size()),
          .user = user_.data(),
          .user_begin = user_begin_.data(),
          .distinct_items = static_cast<i64>(item_.size()),
          .item = item_.data(),
          .item_begin = item_begin_.data(),
          .item_positives = item_positives_.data(),
          .entry = entry_.data(),
          .entry_user = entry_user_.data()};
}

Factorization::Factorization(TrainedTable users, TrainedTable items, TrainedTable user_biases, TrainedTable item_biases,
                             FactorizationSettings settings)
    : users_(std::move(users)),
      items_(std::move(items)),
      user_biases_(std::move(user_biases)),
      item_biases_(std::move(item_biases)),
      settings_(settings) {
  const RowRule item_rule = settings.frozen_items ? RowRule::sgd : settings.rule;  // frozen: no moments needed
  check_table("users", users_, 2, settings.rule);
  check_table("items", items_, 2, item_rule);
  expect(users_.values.dim(1) == items_.values.dim(1), "factorization", "users have ", users_.values.dim(1),
         " columns, items have ", items_.values.dim(1));
  const auto check_biases = [](const char* name, const TrainedTable& biases, const TrainedTable& table, RowRule rule) {
    if (!biases.values) return;
    check_table(name, biases, 1, rule);
    expect(biases.values.dim(0) == table.values.dim(0), "factorization", name, " must have ", table.values.dim(0),
           " values, got ", biases.values.dim(0));
  };
  check_biases("user_biases", user_biases_, users_, settings.rule);
  check_biases("item_biases", item_biases_, items_, item_rule);
  expect(!settings.exact || settings.rule == RowRule::adam, "factorization", "exact is for optimizer \"adam\"");
  expect(!settings.exact || settings.epsilon > 0, "factorization", "exact wants epsilon above 0, got ",
         settings.epsilon);
}

// Adam's corrections of the first steps: rate sqrt(1 - b2^t) / (1 - b1^t), epsilon sqrt(1 - b2^t).
RowUpdate Factorization::update_at(i64 number) const {
  double rate = settings_.learning_rate, epsilon = settings_.epsilon;
  if (settings_.rule == RowRule::adam) {
    const double correction = std::sqrt(1 - std::pow(double{settings_.beta2}, static_cast<double>(number)));
    rate *= correction / (1 - std::pow(double{settings_.beta1}, static_cast<double>(number)));
    epsilon *= correction;
  }
  return {settings_.rule, static_cast<float>(rate), static_cast<float>(epsilon), settings_.beta1, settings_.beta2};
}

FactorizationStep Factorization::step_with(const RowUpdate& update) const {
  return {.batch = {},
          .loss = settings_.loss,
          .update = update,
          .frozen_items = settings_.frozen_items,
          .offset = settings_.offset,
          .decay_user = 0,
          .decay_positive = 0,
          .decay_negative = 0,
          .users = row_table(users_),
          .items = row_table(items_),
          .user_biases = row_table(user_biases_),
          .item_biases = row_table(item_biases_),
          .total_loss = nullptr};
}

double Factorization::run(const Batches& batches, i64 epoch, i64 first, i64 last, i64 steps_before) {
  expect(batches.n_users() <= users_.values.dim(0) && batches.n_items() <= items_.values.dim(0), "factorization",
         "tables have ", users_.values.dim(0), " users and ", items_.values.dim(0), " items, the log has ",
         batches.n_users(), " and ", batches.n_items());
  expect(first >= 0 && first <= last && last <= batches.steps(), "factorization", "steps must lie in 0..",
         batches.steps(), ", got ", first, "..", last);
  const i64 negatives = batches.settings().negatives;
  const bool wants_negatives = settings_.loss != FactorizationLoss::squared;
  expect(wants_negatives == (negatives > 0), "factorization", wants_negatives ? "this loss needs" : "squared takes no",
         " negatives, got ", negatives);
  expect(wants_negatives || batches.has_ratings(), "factorization", "squared needs ratings");

  // bpr weighs each of n negatives by 1 / n; the other losses treat every pair as a sample of its own.
  const float share = settings_.loss == FactorizationLoss::bpr ? 1.0f / static_cast<float>(negatives) : 1.0f;
  const float pairs = settings_.loss == FactorizationLoss::bce ? static_cast<float>(1 + negatives) : 1.0f;
  const i64 entries = batches.settings().batch_size * (1 + negatives);
  const i64 together = std::clamp<i64>((i64{1} << 19) / entries, 4, 64);
  std::vector<RowUpdate> updates;
  for (i64 step = first; step < last; ++step) updates.push_back(update_at(steps_before + step - first + 1));
  RowsBehind users(users_, user_biases_, updates, settings_.exact);
  RowsBehind items(items_, item_biases_, updates, settings_.exact && !settings_.frozen_items);
  double loss = 0;
  for (i64 step = first; step < last; step += together) {
    const i64 count = std::min(together, last - step);
    if (static_cast<i64>(plans_.size()) < count) plans_.resize(static_cast<std::size_t>(count));
    parallel_for(
        count, 1,
        [&](i64 begin, i64 end) {
          for (i64 i = begin; i < end; ++i) plans_[i].prepare(batches, epoch, step + i);
        },
        entries * 15);
    for (i64 i = 0; i < count; ++i) {
      const i64 number = step - first + i;
      FactorizationStep now = step_with(updates[number]);
      now.batch = plans_[i].batch();
      users.catch_up(now.batch.user, now.batch.users, number);
      items.catch_up(now.batch.item, now.batch.distinct_items, number);
      now.decay_user = settings_.l2 * pairs;
      now.decay_positive = settings_.l2;
      now.decay_negative = settings_.l2 * share;
      now.total_loss = &loss;
      kernels(Device::cpu).factorization_step(now);
    }
  }
  users.catch_up_all();
  items.catch_up_all();
  return loss;
}

namespace {

void fit_new_user(const NewUsers& users, i64 user, const Array& item_vectors, const Array& item_biases,
                  const FactorizationSettings& settings, float* row) {
  const i64 begin = users.indptr.data<i64>()[user], end = users.indptr.data<i64>()[user + 1];
  const i64 dim = item_vectors.dim(1);
  std::fill_n(row, dim + 1, 0.0f);
  if (begin == end) return;
  const Array history = users.items.slice_rows(begin, end);
  u64 key = users.seed;
  for (i64 at = 0; at < end - begin; ++at) key = random_key(key, history.data<i32>()[at]);
  Array indptr = zeros({2}, Device::cpu, DType::int64);
  indptr.data<i64>()[1] = end - begin;
  const Batches batches(indptr, history, users.ratings ? users.ratings.slice_rows(begin, end) : Array{},
                        item_vectors.dim(0), {end - begin, users.negatives, key});

  const auto fresh = [](const Shape& shape) { return TrainedTable{zeros(shape), zeros(shape), zeros(shape)}; };
  const TrainedTable vector = fresh({1, dim}), bias = item_biases ? fresh({1}) : TrainedTable{};
  Factorization fit(vector, {item_vectors, {}, {}}, bias, {item_biases, {}, {}}, settings);
  for (i64 step = 0; step < users.steps; ++step) {
    fit.set_learning_rate(settings.learning_rate * static_cast<float>(users.steps - step) /
                          static_cast<float>(users.steps));
    fit.run(batches, step, 0, 1, step);
  }
  std::copy_n(vector.values.floats(), dim, row);
  if (bias.values) row[dim] = *bias.values.floats();
}

}  // namespace

Array fit_new_users(const NewUsers& users, const Array& item_vectors, const Array& item_biases,
                    FactorizationSettings settings) {
  settings.rule = RowRule::adam;
  settings.exact = false;
  settings.frozen_items = true;
  const i64 count = users.indptr.count() - 1, dim = item_vectors.dim(1);
  Array rows = empty({count, dim + 1});
  // What can fail fails here, on one user, and not inside the tasks below.
  const Batches checked(users.indptr, users.items, users.ratings, item_vectors.dim(0),
                        {1, users.negatives, users.seed});
  if (count > 0) fit_new_user(users, 0, item_vectors, item_biases, settings, rows.floats());
  parallel_for(count, 1, [&](i64 begin, i64 end) {
    for (i64 user = begin; user < end; ++user)
      fit_new_user(users, user, item_vectors, item_biases, settings, rows.floats() + user * (dim + 1));
  });
  return rows;
}

}  // namespace lw
