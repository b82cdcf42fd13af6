// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/symbol_bounds.h"

#include <cctype>
#include <map>
#include <string_view>
#include <vector>

namespace greyhound::pprof {
namespace {

constexpr size_t kLongestSymbol = 32 << 10;

class NotUnderstood {};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The Itanium ABI's mangling as far as it takes to tell where brackets end: 'E' closes I, N, F, X,
// J, L and Z, and a number is the length of the name after it.
class Shortener {
 public:
  explicit Shortener(std::string_view symbol) : in_(symbol) {}

  std::string operator()() {
    if (!in_.starts_with("_Z")) throw NotUnderstood();
    at_ = 2;
    out_ = "_Z";
    if (peek() == 'N') {
      keep(1);
      while (peek() != 'E') component();
      keep(1);
    } else {
      component();
      while (peek() == 'I' || peek() == 'B' || out_.ends_with("St") || out_.ends_with('L'))
        component();
    }
    return out_ + "v";
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }
  void keep(size_t count) {
    if (count > in_.size() - at_) throw NotUnderstood();
    out_ += in_.substr(at_, count);
    at_ += count;
  }
  // A number and as many bytes.
  size_t name_length() const {
    size_t digits = 0, length = 0;
    for (; is_digit(peek(digits)); ++digits) {
      length = length * 10 + static_cast<size_t>(peek(digits) - '0');
      if (length > in_.size()) throw NotUnderstood();
    }
    return digits + length;
  }

  void component() {
    const char c = peek(), next = peek(1);
    if (is_digit(c)) {
      keep(name_length());
    } else if (c == 'I') {
      skip_brackets();
    } else if (c == 'S' && std::islower(static_cast<unsigned char>(next)) != 0) {
      keep(2);  // St, Sa, ...; a reference to what was before has no place in a name without that
    } else if (c == 'C' && next == 'I' && is_digit(peek(2))) {
      out_ += "C";  // a constructor that is inherited from what follows
      at_ += 2;
      keep(1);
      skip_class();
    } else if ((c == 'C' || c == 'D') && is_digit(next)) {
      keep(2);
    } else if (c == 'K' || c == 'V' || c == 'R' || c == 'O' || c == 'L') {
      keep(1);
    } else if (c == 'B') {  // a tag: [abi:cxx11]
      ++at_;
      at_ += name_length();
    } else if (std::islower(static_cast<unsigned char>(c)) != 0 && !(c == 'c' && next == 'v')) {
      keep(2);  // an operator
    } else {
      throw NotUnderstood();
    }
  }

  void skip_class() {
    if (peek() == 'N') return skip_brackets();
    if (peek() == 'S') {
      ++at_;
      skip_reference();
    }
    if (is_digit(peek())) at_ += name_length();
    if (at_ > in_.size()) throw NotUnderstood();
    if (peek() == 'I') skip_brackets();
  }

  void skip_brackets() {
    std::vector<char> open;
    size_t lambda_end = 0;
    do {
      const char c = peek();
      if (c == '\0') throw NotUnderstood();
      if (is_digit(c)) {
        skip_number(open.back(), at_ == lambda_end);
        continue;
      }
      ++at_;
      if (c == 'E') {
        if (open.back() == 'U') lambda_end = at_;
        open.pop_back();
      } else if (c == 'L' && (open.back() == 'N' || open.back() == 'Z')) {
        continue;  // no literal: what follows is seen in its file only
      } else if (std::string_view("INFXJLZ").find(c) != std::string_view::npos) {
        open.push_back(c);
      } else if (c == 'S' || c == 'T') {
        skip_reference();
      } else if (c == 'A' || (c == 'D' && peek() == 'v')) {
        while (peek() != '_' && (is_digit(peek()) || peek() == 'v')) ++at_;
      } else if (c == 'D' && (peek() == 't' || peek() == 'T' || peek() == 'O')) {
        open.push_back(c);
        ++at_;
      } else if ((c == 'C' || c == 'D') && peek() != '\0') {
        ++at_;
      } else if (c == 'U' && peek() == 'l') {
        open.push_back(c);
        ++at_;
      }
    } while (!open.empty());
  }

  // In a literal what stands before its end is its value; behind a lambda, and of a parameter in an
  // expression, its place. All else is the length of a name, which may begin with '_' itself.
  void skip_number(char bracket, bool behind_lambda) {
    size_t digits = 0;
    while (is_digit(peek(digits))) ++digits;
    const bool is_value = bracket == 'L' && peek(digits) == 'E';
    const std::string_view before = in_.substr(at_ - 2, 2);
    const bool is_place =
        peek(digits) == '_' && (behind_lambda || before == "fp" || before == "Ut");
    const size_t length = is_value || is_place ? digits : name_length();
    if (length > in_.size() - at_) throw NotUnderstood();
    at_ += length;
  }

  void skip_reference() {
    if (std::islower(static_cast<unsigned char>(peek())) != 0) {
      ++at_;
      return;
    }
    while (peek() != '_') {
      if (std::isalnum(static_cast<unsigned char>(peek())) == 0) throw NotUnderstood();
      ++at_;
    }
    ++at_;
  }

  const std::string_view in_;
  std::string out_;
  size_t at_ = 0;
};

}  // namespace

// A reference is to one of what came before: a name can grow by no more than the product, over all
// that is referred to, of one more than how often it is. libstdc++'s __cxa_demangle gives up beyond
// 1024 bytes, for the depth of what they could nest.
bool is_bounded(const std::string& symbol) {
  constexpr double kLongestName = 1 << 20;
  constexpr size_t kLongestDemangled = 1024;
  if (symbol.size() > kLongestDemangled) return false;
  std::map<std::string, int> references;
  for (size_t at = 0; at < symbol.size(); ++at) {
    if (symbol[at] != 'S' && symbol[at] != 'T') continue;
    const size_t end = symbol.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", at + 1);
    if (end != std::string::npos && symbol[end] == '_') ++references[symbol.substr(at, end - at)];
  }
  double growth = 1;
  for (const auto& [reference, times] : references) growth *= 1 + times;
  return growth * static_cast<double>(symbol.size()) <= kLongestName;
}

std::string without_arguments(const std::string& symbol) {
  if (symbol.size() > kLongestSymbol) return "";
  try {
    std::string shorter = Shortener(symbol)();
    return shorter.size() < symbol.size() && is_bounded(shorter) ? shorter : "";
  } catch (const NotUnderstood&) {
    return "";
  }
}

}  // namespace greyhound::pprof
