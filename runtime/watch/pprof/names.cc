// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/names.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/watch/pprof/rust_names.h"
#include "runtime/watch/pprof/symbol_bounds.h"

namespace greyhound::pprof {
namespace {

constexpr std::string_view kAnonymous = "(anonymous namespace)::";
constexpr std::array<std::string_view, 3> kOurs = {
    "greyhound::gc::", "greyhound::maps::", "greyhound::runtime::"};

// Functions that Go has under the same name, whatever class they belong to here.
constexpr auto kGoNames = std::to_array<std::string_view>({
    "assertE2I",   "convT2E",           "convT64",
    "convTstring", "deductSweepCredit", "evacuate",
    "findObject",  "gcAssistAlloc",     "gcBgMarkWorker",
    "gcDrain",     "gcDrainN",          "gcMarkDone",
    "getitab",     "gopanic",           "gorecover",
    "greyobject",  "growWork",          "hashGrow",
    "ifaceE2I",    "makemap",           "mallocgc",
    "mapaccess1",  "mapaccess1_fast64", "mapaccess1_faststr",
    "mapaccess2",  "mapaccess2_fast64", "mapaccess2_faststr",
    "mapassign",   "mapassign_fast64",  "mapassign_faststr",
    "mapdelete",   "mapdelete_fast64",  "mapdelete_faststr",
    "markroot",    "newarray",          "newobject",
    "scanobject",  "typedmemmove",
});

// Of "operator==<char>(...)" and all else that begins with that word: how long the name is in it.
size_t operator_length(std::string_view text) {
  constexpr std::string_view kWord = "operator";
  constexpr std::string_view kSymbols[] = {
      "()", "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||",
      "++", "--",  "->",  "+=",  "-=",  "*=", "/=", "%=", "^=", "&=", "|=", "[]", "+",
      "-",  "*",   "/",   "%",   "^",   "&",  "|",  "~",  "!",  "=",  "<",  ">",  ","};
  for (const std::string_view symbol : kSymbols) {
    if (text.substr(kWord.size()).starts_with(symbol)) return kWord.size() + symbol.size();
  }
  // new, delete, a conversion
  return std::min(text.find('(', kWord.size()), text.size());
}

size_t find_operator(std::string_view name, size_t from = 0) {
  const auto continues = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  for (size_t at = name.find("operator", from); at != std::string_view::npos;
       at = name.find("operator", at + 1)) {
    const bool begins = at == 0 || !continues(name[at - 1]);
    if (begins && (at + 8 == name.size() || !continues(name[at + 8]))) return at;
  }
  return std::string_view::npos;
}

// Removes parameters and template arguments, wherever they stand, but not what belongs to the name
// of an operator.
std::string without_brackets(std::string_view name) {
  std::string result;
  int depth = 0;
  size_t next_operator = find_operator(name);
  for (size_t i = 0; i < name.size();) {
    if (i == next_operator) {
      next_operator = find_operator(name, i + 1);
      if (depth == 0) {
        const size_t length = operator_length(name.substr(i));
        result += name.substr(i, length);
        i += length;
        if (name.substr(i).starts_with(" <")) ++i;  // "operator<< <char>"
        continue;
      }
    }
    const char c = name[i++];
    if (c == '<' || c == '(') {
      ++depth;
    } else if (c == '>' && depth > 0 && i >= 2 && name[i - 2] == '-') {
      continue;  // an arrow within a template argument
    } else if ((c == '>' || c == ')') && depth > 0) {
      --depth;
    } else if (depth == 0) {
      result += c;
    }
  }
  return result;
}

std::string replaced(std::string_view text, std::string_view part, std::string_view by) {
  std::string result;
  size_t from = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, from)) {
    result += text.substr(from, at - from);
    result += by;
    from = at + part.size();
  }
  return result += text.substr(from);
}

std::string without(std::string_view text, std::string_view part) {
  return replaced(text, part, "");
}

// As display_name(), but of others an anonymous namespace is kept: google/pprof's names have it.
std::string foreign_name(const std::string& demangled) {
  constexpr std::string_view kNamed = "(anonymous namespace)", kUnnamed = "{anonymous}";
  const std::string name = display_name(replaced(demangled, kNamed, kUnnamed));
  if (name.starts_with("runtime.")) return without(name, "{anonymous}.");
  return replaced(name, kUnnamed, kNamed);
}

bool is_address(std::string_view name) {
  return name.size() > 2 && name.starts_with("0x") &&
         name.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}

}  // namespace

std::string demangle(const std::string& symbol) {
  if (!is_bounded(symbol)) {
    const std::string shorter = without_arguments(symbol);
    return shorter.empty() ? symbol : demangle(shorter);
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : symbol;
}

std::string display_name(std::string_view demangled) {
  std::string name = without_brackets(without(demangled, kAnonymous));
  if (name.ends_with(" const")) name.erase(name.size() - 6);
  // A function template's name begins with what it returns.
  if (const size_t space = name.rfind(' ', find_operator(name)); space != std::string::npos)
    name.erase(0, space + 1);
  for (const std::string_view prefix : kOurs) {
    if (!name.starts_with(prefix)) continue;
    name.erase(0, prefix.size());
    const size_t colons = name.rfind("::");
    const std::string last = colons == std::string::npos ? name : name.substr(colons + 2);
    if (std::ranges::find(kGoNames, last) != kGoNames.end()) return "runtime." + last;
    std::string dotted = "runtime.";
    for (size_t at = 0; at < name.size(); ++at) {
      const bool separator = name.compare(at, 2, "::") == 0;
      dotted += separator ? '.' : name[at];
      if (separator) ++at;
    }
    return dotted;
  }
  return name;
}

std::string name_of_symbol(const std::string& symbol) {
  if (symbol.starts_with("_Z")) return display_name(demangle(symbol.substr(0, symbol.find('.'))));
  return symbol.find("::") == std::string::npos ? symbol : display_name(symbol);
}

std::string shown_name(const std::string& name, const std::string& symbol) {
  const std::string& given = name.empty() ? symbol : name;
  if (is_address(given)) return {};
  // Mach-O has one underscore more.
  const size_t first = given.find_first_not_of('_');
  if (first == 0 || first == std::string::npos || first > 3) return given;
  if (given[first] == 'R') return demangle_rust(given).value_or(given);
  if (given[first] != 'Z') return given;
  const std::string mangled = given.substr(first - 1, given.find('@') - (first - 1));
  std::string demangled = demangle(mangled);
  if (demangled == mangled) return given;
  demangled.erase(std::min(demangled.find(" [clone "), demangled.size()));
  if (std::optional<std::string> rust = without_rust_hash(demangled)) return *rust;
  return foreign_name(demangled);
}

std::string nameless_frame(const std::string& mapped_file) {
  if (mapped_file.empty()) return "<unknown>";
  const size_t end = mapped_file.find_last_not_of('/');
  if (end == std::string::npos) return "[/]";
  const size_t slash = mapped_file.rfind('/', end);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return "[" + mapped_file.substr(begin, end + 1 - begin) + "]";
}

}  // namespace greyhound::pprof
