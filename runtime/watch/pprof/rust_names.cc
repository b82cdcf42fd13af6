// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/rust_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace greyhound::pprof {
namespace {

// Back references can make a short symbol a name of any length, and a deep one; and what they come
// back to is read again.
constexpr size_t kLongestRustSymbol = 8 << 10;
constexpr size_t kLongestRustName = 4096;
constexpr int kMostDepth = 200;
constexpr int kMostSteps = 20'000;

class NoSymbol {};

constexpr std::string_view kBasicTypes[26] = {
    "i8",   "bool", "char", "f64", "str", "f32", "",    "u8", "isize", "usize", "",    "i32", "u32",
    "i128", "u128", "_",    "",    "",    "i16", "u16", "()", "...",   "",      "i64", "u64", "!"};

// Recursive descent over the grammar of RFC 2603; `out_` is left alone while `silent_` is not 0.
class Parser {
 public:
  explicit Parser(std::string_view symbol) : in_(symbol) {}

  std::string operator()() {
    path(true);
    return std::move(out_);
  }

 private:
  struct Level {
    explicit Level(Parser* parser) : parser_(parser) {
      if (++parser_->depth_ > kMostDepth || ++parser_->steps_ > kMostSteps) throw NoSymbol();
    }
    ~Level() { --parser_->depth_; }
    Parser* parser_;
  };

  char peek() const { return at_ < in_.size() ? in_[at_] : '\0'; }
  char next() {
    if (at_ >= in_.size()) throw NoSymbol();
    return in_[at_++];
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void print(std::string_view text) {
    if (silent_ != 0) return;
    if (out_.size() + text.size() > kLongestRustName) throw NoSymbol();
    out_ += text;
  }

  uint64_t decimal() {
    uint64_t value = 0;
    if (peek() < '0' || peek() > '9') throw NoSymbol();
    if (take('0')) return 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint64_t>(next() - '0');
      if (value > in_.size()) throw NoSymbol();  // it counts bytes of the symbol
    }
    return value;
  }
  uint64_t base62() {
    if (take('_')) return 0;
    uint64_t value = 0;
    for (char c = next(); c != '_'; c = next()) {
      const uint64_t digit = c >= '0' && c <= '9'   ? static_cast<uint64_t>(c - '0')
                             : c >= 'a' && c <= 'z' ? static_cast<uint64_t>(c - 'a' + 10)
                             : c >= 'A' && c <= 'Z' ? static_cast<uint64_t>(c - 'A' + 36)
                                                    : 62;
      if (digit == 62 || value > UINT64_MAX / 62 - 1) throw NoSymbol();
      value = value * 62 + digit;
    }
    return value + 1;
  }
  uint64_t disambiguator() { return take('s') ? base62() + 1 : 0; }

  std::string_view bytes() {
    const bool punycode = take('u');
    const uint64_t length = decimal();
    take('_');
    if (length > in_.size() - at_) throw NoSymbol();
    const std::string_view name = in_.substr(at_, length);
    at_ += length;
    if (punycode) throw NoSymbol();
    return name;
  }

  template <class Read>
  void back_reference(Read read) {
    const size_t here = at_;
    const uint64_t to = base62();
    if (to + 1 >= here) throw NoSymbol();  // only backwards: it ends
    const size_t after = at_;
    at_ = to;
    read();
    at_ = after;
  }

  // `of_value`: of a function, say, and of no type; where it is generic, "::" stands before "<>".
  void path(bool of_value) {
    const Level level(this);
    switch (next()) {
      case 'C':
        disambiguator();
        print(bytes());
        break;
      case 'N':
        nested(of_value);
        break;
      case 'M':  // an inherent impl: <T>
        impl_path();
        print("<");
        type();
        print(">");
        break;
      case 'X':
        impl_path();
        [[fallthrough]];
      case 'Y':
        print("<");
        type();
        print(" as ");
        path(false);
        print(">");
        break;
      case 'I':
        path(of_value);
        print(of_value ? "::<>" : "<>");
        ++silent_;
        while (!take('E')) generic_argument();
        --silent_;
        break;
      case 'B':
        back_reference([this, of_value] { path(of_value); });
        break;
      default:
        throw NoSymbol();
    }
  }

  void nested(bool of_value) {
    const char space = next();
    path(of_value);
    const uint64_t number = disambiguator();
    const std::string_view name = bytes();
    if (silent_ != 0) return;
    if (space >= 'A' && space <= 'Z') {
      const std::string kind = space == 'C'   ? "closure"
                               : space == 'S' ? "shim"
                                              : std::string(1, space);
      print("::{" + kind + (name.empty() ? "" : ":") + std::string(name) + "#" +
            std::to_string(number) + "}");
    } else if (!name.empty()) {
      print("::");
      print(name);
    }
  }

  void impl_path() {
    ++silent_;
    disambiguator();
    path(false);
    --silent_;
  }

  void generic_argument() {
    if (take('L')) {
      base62();
    } else if (take('K')) {
      constant();
    } else {
      type();
    }
  }

  void constant() {
    const Level level(this);
    if (take('B')) return back_reference([this] { constant(); });
    if (take('p')) return print("_");
    const char kind = next();
    if (kind < 'a' || kind > 'z') throw NoSymbol();
    print(take('n') ? "-0x" : "0x");
    const size_t digits = at_;
    while (next() != '_') {
    }
    print(in_.substr(digits, at_ - 1 - digits));
  }

  void list(char first, char last) {
    print(std::string_view(&first, 1));
    for (bool more = false; !take('E'); more = true) {
      if (more) print(", ");
      type();
    }
    print(std::string_view(&last, 1));
  }

  void pointer(const char* before, bool lifetime) {
    if (lifetime && take('L')) base62();
    print(before);
    type();
  }

  void type() {
    const Level level(this);
    const char c = peek();
    if (c >= 'a' && c <= 'z') {
      const std::string_view name = kBasicTypes[next() - 'a'];
      if (name.empty()) throw NoSymbol();
      return print(name);
    }
    switch (c) {
      case 'A':
      case 'S':
        ++at_;
        print("[");
        type();
        if (c == 'A') {
          print("; ");
          constant();
        }
        return print("]");
      case 'T':
        ++at_;
        return list('(', ')');
      case 'R':
        ++at_;
        return pointer("&", true);
      case 'Q':
        ++at_;
        return pointer("&mut ", true);
      case 'P':
        ++at_;
        return pointer("*const ", false);
      case 'O':
        ++at_;
        return pointer("*mut ", false);
      case 'F':
        ++at_;
        return function_type();
      case 'D':
        ++at_;
        return dyn_type();
      case 'B':
        ++at_;
        return back_reference([this] { type(); });
      default:
        path(false);
    }
  }

  void function_type() {
    if (take('G')) base62();
    if (take('U')) print("unsafe ");
    if (take('K') && !take('C')) bytes();
    print("fn");
    list('(', ')');
    print(" -> ");
    type();
  }

  void dyn_type() {
    if (take('G')) base62();
    print("dyn ");
    for (bool more = false; !take('E'); more = true) {
      if (more) print(" + ");
      path(false);
      ++silent_;
      while (take('p')) {
        bytes();
        type();
      }
      --silent_;
    }
    if (!take('L')) throw NoSymbol();
    base62();
  }

  const std::string_view in_;
  std::string out_;
  size_t at_ = 0;
  int depth_ = 0;
  int steps_ = 0;
  int silent_ = 0;
};

struct Escape {
  std::string_view code;
  char character;
};
constexpr std::array<Escape, 8> kEscapes = {{{"SP", '@'},
                                             {"BP", '*'},
                                             {"RF", '&'},
                                             {"LT", '<'},
                                             {"GT", '>'},
                                             {"LP", '('},
                                             {"RP", ')'},
                                             {"C", ','}}};

// What stands between two dollars; 0: nothing that is known.
char unescaped(std::string_view code) {
  for (const Escape& escape : kEscapes) {
    if (escape.code == code) return escape.character;
  }
  if (code.size() != 3 || code[0] != 'u') return '\0';
  unsigned value = 0;
  for (const char c : code.substr(1)) {
    const size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) return '\0';
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value >= 0x20 && value < 0x7f ? static_cast<char>(value) : '\0';
}

}  // namespace

std::optional<std::string> demangle_rust(std::string_view symbol) {
  symbol.remove_prefix(std::min(symbol.find_first_not_of('_'), symbol.size()));
  if (!symbol.starts_with("R")) return std::nullopt;
  symbol.remove_prefix(1);
  if (symbol.size() > kLongestRustSymbol) return std::nullopt;
  // Compilers add what follows a dot or a dollar.
  symbol = symbol.substr(0, symbol.find_first_of(".$"));
  try {
    return Parser(symbol)();
  } catch (const NoSymbol&) {
    return std::nullopt;
  }
}

std::optional<std::string> without_rust_hash(std::string_view name) {
  constexpr std::string_view kHash = "::h0123456789abcdef";
  if (name.size() <= kHash.size()) return std::nullopt;
  const std::string_view hash = name.substr(name.size() - kHash.size());
  if (!hash.starts_with("::h") ||
      hash.substr(3).find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return std::nullopt;
  name.remove_suffix(kHash.size());
  std::string plain;
  while (!name.empty()) {
    size_t taken = 1;
    char c = name.front();
    if (name.starts_with("_$")) {  // a name cannot begin with a dollar
      name.remove_prefix(1);
      continue;
    }
    if (name.starts_with("..")) {
      plain += "::";
      name.remove_prefix(2);
      continue;
    }
    if (c == '$') {
      const size_t end = name.find('$', 1);
      if (end != std::string_view::npos) {
        if (const char found = unescaped(name.substr(1, end - 1)); found != '\0') {
          c = found;
          taken = end + 1;
        }
      }
    }
    plain += c;
    name.remove_prefix(taken);
  }
  return plain;
}

}  // namespace greyhound::pprof
