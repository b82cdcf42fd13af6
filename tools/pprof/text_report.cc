// SPDX-License-Identifier: MIT
#include "tools/pprof/text_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tools/common/plain_text.h"

namespace greyhound::pprof {
namespace {

// What a tree leaves out, of all.
constexpr double kLeastShare = 0.01;

std::string percent(int64_t value, int64_t of) {
  return of == 0
             ? "0%"
             : fmt::format("{:.2f}%", 100 * static_cast<double>(value) / static_cast<double>(of));
}

std::string heading(const StackView& view) {
  const std::string unit = view.type.unit;
  return fmt::format("{}: {}{} in all", plain_text(view.type.type),
                     format_value(view.total(), unit), plain_text(unit_beside(unit)));
}

constexpr size_t kLeftOut = SIZE_MAX;

struct Call {
  uint32_t name = 0;
  size_t depth = 0;
  int64_t cumulative = 0;
  int64_t magnitude = 0;
  bool has_deeper = false;
  std::vector<size_t> calls;
};

// Calls down to a depth, each once, with what all that is below them has. The first is the root.
// Stacks are in the order of their functions: each shares with the one before it what it shares
// with any.
std::vector<Call> tree_of(const StackView& view, size_t levels, size_t most_calls) {
  std::vector<Call> tree(1);
  std::vector<size_t> path = {0};
  const std::vector<uint32_t> nothing;
  const std::vector<uint32_t>* last = &nothing;
  for (const Stack& stack : view.stacks) {
    const size_t depth = std::min(stack.functions.size(), levels);
    const size_t most = std::min(depth, path.size() - 1);
    size_t shared = 0;
    while (shared < most && stack.functions[shared] == (*last)[shared]) ++shared;
    path.resize(shared + 1);
    for (size_t at = shared; at < depth; ++at) {
      if (tree.size() > most_calls)
        throw std::runtime_error(
            fmt::format("its calls make a tree of more than {} nodes", most_calls));
      tree[path.back()].calls.push_back(tree.size());
      path.push_back(tree.size());
      tree.emplace_back();
      tree.back().name = stack.functions[at];
      tree.back().depth = at;
    }
    for (const size_t call : path) {
      tree[call].cumulative += stack.value;
      tree[call].magnitude += std::abs(stack.value);
    }
    tree[path.back()].has_deeper |= stack.functions.size() > levels;
    last = &stack.functions;
  }
  return tree;
}

class TreePrinter {
 public:
  TreePrinter(const StackView& view, size_t levels, size_t most_calls)
      : view_(view),
        levels_(levels),
        all_(view.magnitude()),
        tree_(tree_of(view, levels, most_calls)) {}

  std::string operator()() {
    out_ = heading(view_) + "\n";
    push_calls(0);
    while (!waiting_.empty()) {
      const Waiting next = waiting_.back();
      waiting_.pop_back();
      if (next.call == kLeftOut) {
        line(next.left_out, next.depth, "(calls of less than 1 % each)");
        continue;
      }
      const Call& call = tree_[next.call];
      line(call.cumulative, call.depth, plain_text(view_.names[call.name]));
      if (call.has_deeper) ++cut_;
      push_calls(next.call);
    }
    if (cut_ != 0)
      out_ += fmt::format(
          "(calls deeper than {} levels are left out; --folded and --html have "
          "them)\n",
          levels_);
    return std::move(out_);
  }

 private:
  struct Waiting {
    size_t call;  // kLeftOut: the calls that are left out at this place
    size_t depth;
    int64_t left_out;
  };

  // The greatest on top.
  void push_calls(size_t parent) {
    std::vector<size_t> shown;
    int64_t left_out = 0;  // may be 0 of calls that are not
    for (const size_t call : tree_[parent].calls) {
      if (static_cast<double>(tree_[call].magnitude) < kLeastShare * static_cast<double>(all_)) {
        left_out += tree_[call].cumulative;
      } else {
        shown.push_back(call);
      }
    }
    if (shown.size() < tree_[parent].calls.size())
      waiting_.push_back({kLeftOut, parent == 0 ? 0 : tree_[parent].depth + 1, left_out});
    std::ranges::stable_sort(
        shown, [&](size_t a, size_t b) { return tree_[a].magnitude > tree_[b].magnitude; });
    for (auto call = shown.rbegin(); call != shown.rend(); ++call)
      waiting_.push_back({*call, 0, 0});
  }

  void line(int64_t value, size_t depth, const std::string& name) {
    out_ += fmt::format("{:>12} {:>8}  {:{}}{}\n", format_value(value, view_.type.unit),
                        percent(value, all_), "", 2 * depth, name);
  }

  const StackView& view_;
  const size_t levels_;
  const int64_t all_;
  const std::vector<Call> tree_;
  std::vector<Waiting> waiting_;
  std::string out_;
  size_t cut_ = 0;
};

std::string folded_name(const std::string& name) {
  std::string folded = plain_text(name);
  std::ranges::replace(folded, ';', ':');
  const size_t number = folded.find_last_not_of("0123456789.");
  if (number != std::string::npos && number + 1 < folded.size() && folded[number] == ' ')
    folded[number] = '_';
  return folded;
}

}  // namespace

std::string format_top(const StackView& view, size_t lines) {
  const int64_t all = view.magnitude();
  std::vector<FunctionTotals> rows = functions_of(view);
  const size_t count = lines == 0 ? rows.size() : std::min(lines, rows.size());
  std::string out = fmt::format("{}; {} of {} functions\n", heading(view), count, rows.size());
  out += fmt::format("{:>12} {:>8} {:>8} {:>12} {:>8}  function\n", "flat", "flat%", "sum%", "cum",
                     "cum%");
  int64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const FunctionTotals& row = rows[i];
    sum += row.flat;
    out += fmt::format("{:>12} {:>8} {:>8} {:>12} {:>8}  {}\n",
                       format_value(row.flat, view.type.unit), percent(row.flat, all),
                       percent(sum, all), format_value(row.cumulative, view.type.unit),
                       percent(row.cumulative, all), plain_text(row.name));
  }
  return out;
}

std::string format_tree(const StackView& view, size_t levels, size_t most_calls) {
  return TreePrinter(view, levels, most_calls)();
}

std::string format_folded(const StackView& view) {
  std::vector<std::string> names;
  for (const std::string& name : view.names) names.push_back(folded_name(name));
  const bool two = view.is_difference ||
                   std::ranges::any_of(view.stacks, [](const Stack& s) { return s.value < 0; });
  std::string out;
  for (const Stack& stack : view.stacks) {
    for (size_t i = 0; i < stack.functions.size(); ++i) {
      if (i != 0) out += ';';
      out += names[stack.functions[i]];
    }
    // A profile that is a difference itself tells no more than which way it went.
    const int64_t before = view.is_difference ? stack.before : std::max<int64_t>(-stack.value, 0);
    if (two) out += fmt::format(" {}", before);
    out += fmt::format(" {}\n", two ? before + stack.value : stack.value);
  }
  return out;
}

}  // namespace greyhound::pprof
