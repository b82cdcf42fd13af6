// SPDX-License-Identifier: MIT
#include "tools/pprof/name_pattern.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace greyhound::pprof {
namespace {

using Bytes = NamePattern::Bytes;
using Op = NamePattern::Op;
using Code = std::vector<NamePattern::Step>;  // goes on behind its last step

constexpr size_t kMostPattern = 8 << 10;
constexpr size_t kMostNested = 500;
constexpr size_t kMostTimes = 1000;       // RE2's limit of a counted repetition
constexpr size_t kMostRepeated = 20'000;  // that repetitions make
constexpr size_t kNoEnd = SIZE_MAX;

[[noreturn]] void unread() { throw PatternError("is no regular expression that greyhound reads"); }

// Of pairs of the first and the last.
Bytes bytes_in(std::string_view ranges) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < ranges.size(); i += 2) {
    for (int c = ranges[i]; c <= ranges[i + 1]; ++c) bytes.set(static_cast<size_t>(c));
  }
  return bytes;
}

constexpr std::string_view kDigits = "09", kWordBytes = "09AZ__az", kSpace = "\t\n\f\r  ";
constexpr std::pair<std::string_view, std::string_view> kClasses[] = {
    {"alnum", "09AZaz"}, {"alpha", "AZaz"}, {"blank", "\t\t  "},  {"digit", kDigits},
    {"graph", "!~"},     {"lower", "az"},   {"print", " ~"},      {"punct", "!/:@[`{~"},
    {"space", "\t\r  "}, {"upper", "AZ"},   {"word", kWordBytes}, {"xdigit", "09AFaf"}};

std::optional<Bytes> perl_class(char c) {
  switch (c) {
    case 'd':
      return bytes_in(kDigits);
    case 'D':
      return ~bytes_in(kDigits);
    case 'w':
      return bytes_in(kWordBytes);
    case 'W':
      return ~bytes_in(kWordBytes);
    case 's':
      return bytes_in(kSpace);
    case 'S':
      return ~bytes_in(kSpace);
    default:
      return std::nullopt;
  }
}

void extend(const Code& more, Code* code) { code->insert(code->end(), more.begin(), more.end()); }

class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : in_(pattern) {}

  std::pair<Code, std::vector<Bytes>> operator()() {
    if (in_.size() > kMostPattern) unread();
    ignore_case_ = take("(?i)");
    while (at_ < in_.size()) item();
    if (groups_.size() != 1) unread();
    Code code = closed();
    return {std::move(code), std::move(sets_)};
  }

 private:
  struct Group {
    std::vector<Code> alternatives = std::vector<Code>(1);  // the last is being read
    Code atom;                                              // what a repetition would repeat
    bool repeatable = false;
  };

  bool at(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!at(text)) return false;
    at_ += text.size();
    return true;
  }
  char next() {
    if (at_ >= in_.size()) unread();
    return in_[at_++];
  }

  void item() {
    const char c = next();
    switch (c) {
      case '(':
        // Flags, names, and what looks ahead.
        if (at("?") && !take("?:")) unread();
        groups_.emplace_back();
        if (groups_.size() > kMostNested) unread();
        break;
      case ')': {
        if (groups_.size() == 1) unread();
        Code code = closed();
        groups_.pop_back();
        push(std::move(code));
        break;
      }
      case '|':
        finish_atom();
        groups_.back().alternatives.emplace_back();
        break;
      case '*':
        repeat(0, kNoEnd);
        break;
      case '+':
        repeat(1, kNoEnd);
        break;
      case '?':
        repeat(0, 1);
        break;
      case '{':
        if (!counted()) push_byte(c);
        break;
      case '[':
        push_set(bracket());
        break;
      case '.':
        push_set(~bytes_in("\n\n"));
        break;
      case '^':
        push({{Op::kBegin}});
        break;
      case '$':
        push({{Op::kEnd}});
        break;
      case '\\':
        escape();
        break;
      default:
        push_byte(c);
    }
  }

  void finish_atom() {
    Group& group = groups_.back();
    extend(group.atom, &group.alternatives.back());
    group.atom.clear();
    group.repeatable = false;
  }
  void push(Code atom) {
    finish_atom();
    groups_.back().atom = std::move(atom);
    groups_.back().repeatable = true;
  }
  Code set_of(Bytes bytes) {
    sets_.push_back(bytes);
    return {{Op::kByte, static_cast<int32_t>(sets_.size() - 1)}};
  }
  void push_set(const Bytes& bytes) { push(set_of(bytes)); }
  // With what belongs to the same character of UTF-8.
  void push_byte(char first) {
    Code code = set_of(with_cases(Bytes().set(static_cast<unsigned char>(first))));
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    if (static_cast<unsigned char>(first) >= 0xc0) {
      while (at_ < in_.size() && continues(in_[at_]))
        extend(set_of(Bytes().set(static_cast<unsigned char>(in_[at_++]))), &code);
    }
    push(std::move(code));
  }

  Bytes with_cases(Bytes bytes) const {
    if (!ignore_case_) return bytes;
    for (size_t lower = 'a'; lower <= 'z'; ++lower) {
      const size_t upper = lower - 'a' + 'A';
      if (bytes[lower] || bytes[upper]) bytes.set(lower).set(upper);
    }
    return bytes;
  }

  // The group's alternatives as one.
  Code closed() {
    finish_atom();
    const std::vector<Code>& all = groups_.back().alternatives;
    size_t rest = 0;
    for (const Code& each : all) rest += each.size() + 2;
    Code code;
    for (size_t i = 0; i + 1 < all.size(); ++i) {
      rest -= all[i].size() + 2;
      code.push_back({Op::kFork, 1, static_cast<int32_t>(all[i].size() + 2)});
      extend(all[i], &code);
      code.push_back({Op::kJump, static_cast<int32_t>(rest - 1)});  // the last has no such two
    }
    extend(all.back(), &code);
    return code;
  }

  // Of the atom before, which is none behind a repetition: RE2 refuses a**.
  void repeat(size_t least, size_t most) {
    Group& group = groups_.back();
    if (!group.repeatable) unread();
    take("?");  // as few as possible: of a whole name that is the same
    const Code once = std::move(group.atom);
    const auto size = static_cast<int32_t>(once.size());
    const size_t copies = most == kNoEnd ? std::max<size_t>(least, 1) : most;
    if (copies > 1) made_ += (copies - 1) * once.size();
    made_ += 2 * copies;
    if (made_ > kMostRepeated) unread();
    Code code;
    for (size_t i = 0; i < least; ++i) extend(once, &code);
    if (most != kNoEnd) {
      for (size_t i = least; i < most; ++i) {
        code.push_back({Op::kFork, 1, size + 1});
        extend(once, &code);
      }
    } else if (least > 0) {
      code.push_back({Op::kFork, -size, 1});
    } else {
      code.push_back({Op::kFork, 1, size + 2});
      extend(once, &code);
      code.push_back({Op::kJump, -(size + 1)});
    }
    group.atom = std::move(code);
    group.repeatable = false;
  }

  std::optional<size_t> times() {
    size_t value = 0, digits = 0;
    for (; at_ < in_.size() && in_[at_] >= '0' && in_[at_] <= '9'; ++at_, ++digits) {
      value = value * 10 + static_cast<size_t>(in_[at_] - '0');
      if (value > kMostTimes) unread();
    }
    return digits == 0 ? std::nullopt : std::optional(value);
  }

  // Behind a brace; false where it is one to be matched.
  bool counted() {
    const size_t begin = at_;
    const std::optional<size_t> least = times();
    const bool range = least && take(",");
    const std::optional<size_t> most = range ? times() : least;
    if (!least || !take("}")) {
      at_ = begin;
      return false;
    }
    if (most && *most < *least) unread();
    repeat(*least, most.value_or(kNoEnd));
    return true;
  }

  void escape() {
    const char c = next();
    if (const std::optional<Bytes> bytes = perl_class(c)) return push_set(*bytes);
    switch (c) {
      case 'A':
        return push({{Op::kBegin}});
      case 'z':
        return push({{Op::kEnd}});
      case 'b':
        return push({{Op::kBoundary}});
      case 'B':
        return push({{Op::kNoBoundary}});
      default:
        push_set(with_cases(Bytes().set(escaped_byte(c))));
    }
  }

  size_t escaped_byte(char c) {
    constexpr std::string_view kLetters = "nrtfva", kMeant = "\n\r\t\f\v\a";
    if (const size_t letter = kLetters.find(c); letter != std::string_view::npos)
      return static_cast<size_t>(kMeant[letter]);
    if (c == 'x') return hexadecimal();
    if (!bytes_in("!/:@[`{~")[static_cast<unsigned char>(c)]) unread();
    return static_cast<unsigned char>(c);
  }
  size_t hexadecimal() {
    const bool braces = take("{");
    size_t value = 0;
    for (int digits = 0; braces ? !take("}") : digits < 2; ++digits) {
      const char c = next();
      const size_t digit = std::string_view("0123456789abcdef")
                               .find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      value = value * 16 + digit;
      if (digit == std::string_view::npos || value >= 0x80) unread();
    }
    return value;
  }

  // Of ASCII only: what is more is several bytes.
  size_t bracket_byte() {
    const char c = next();
    const size_t byte = c == '\\' ? escaped_byte(next()) : static_cast<unsigned char>(c);
    if (byte >= 0x80) unread();
    return byte;
  }
  Bytes posix_class() {
    const bool negated = take("^");
    for (const auto& [name, ranges] : kClasses) {
      if (!at(name) || !in_.substr(at_ + name.size()).starts_with(":]")) continue;
      at_ += name.size() + 2;
      return negated ? ~bytes_in(ranges) : bytes_in(ranges);
    }
    unread();
  }
  Bytes bracket() {
    const bool negated = take("^");
    Bytes bytes;
    for (bool first = true; first || !take("]"); first = false) {
      if (take("[:")) {
        bytes |= posix_class();
        continue;
      }
      if (at("\\") && at_ + 1 < in_.size()) {
        if (const std::optional<Bytes> among = perl_class(in_[at_ + 1])) {
          bytes |= *among;
          at_ += 2;
          continue;
        }
      }
      const size_t low = bracket_byte();
      const bool range = at("-") && !at("-]") && take("-");
      const size_t high = range ? bracket_byte() : low;
      if (high < low) unread();
      for (size_t byte = low; byte <= high; ++byte) bytes.set(byte);
    }
    return negated ? ~with_cases(bytes) : with_cases(bytes);
  }

  const std::string_view in_;
  size_t at_ = 0;
  bool ignore_case_ = false;
  size_t made_ = 0;
  std::vector<Group> groups_ = std::vector<Group>(1);
  std::vector<Bytes> sets_;
};

bool in_word(std::string_view name, size_t at) {
  static const Bytes kBytes = bytes_in(kWordBytes);
  return at < name.size() && kBytes[static_cast<unsigned char>(name[at])];
}

}  // namespace

NamePattern::NamePattern(std::string_view pattern) {
  std::tie(steps_, sets_) = PatternReader(pattern)();
  seen_.resize(steps_.size() + 1);
}

bool NamePattern::matches(std::string_view name, size_t* work) {
  next_.clear();
  ++turn_;
  at_end_ = false;
  reach(0, name, 0, work);
  for (size_t at = 0; at < name.size(); ++at) {
    if (next_.empty()) return false;
    std::swap(now_, next_);
    next_.clear();
    ++turn_;
    at_end_ = false;
    for (const size_t step : now_) {
      const Bytes& bytes = sets_[static_cast<size_t>(steps_[step].first)];
      if (bytes[static_cast<unsigned char>(name[at])]) reach(step + 1, name, at + 1, work);
    }
  }
  return at_end_;
}

// Steps that await a character, from `step` on; before name[at].
void NamePattern::reach(size_t step, std::string_view name, size_t at, size_t* work) {
  todo_.assign(1, step);
  while (!todo_.empty()) {
    const size_t here = todo_.back();
    todo_.pop_back();
    if (std::exchange(seen_[here], turn_) == turn_) continue;
    if (*work == 0) throw PatternError("takes too long to match");
    --*work;
    if (here == steps_.size()) {
      at_end_ = true;
      continue;
    }
    const Step& each = steps_[here];
    const auto go = [&](int32_t by) {
      todo_.push_back(static_cast<size_t>(static_cast<ptrdiff_t>(here) + by));
    };
    const auto boundary = [&] { return (at > 0 && in_word(name, at - 1)) != in_word(name, at); };
    switch (each.op) {
      case Op::kByte:
        next_.push_back(here);
        break;
      case Op::kFork:
        go(each.second);
        [[fallthrough]];
      case Op::kJump:
        go(each.first);
        break;
      case Op::kBegin:
        if (at == 0) go(1);
        break;
      case Op::kEnd:
        if (at == name.size()) go(1);
        break;
      case Op::kBoundary:
        if (boundary()) go(1);
        break;
      case Op::kNoBoundary:
        if (!boundary()) go(1);
        break;
    }
  }
}

}  // namespace greyhound::pprof
