// SPDX-License-Identifier: MIT
#include "tools/pprof/names.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

namespace greyhound::pprof {
namespace {

constexpr std::string_view kAnonymous = "(anonymous namespace)::";
constexpr std::array<std::string_view, 3> kOurs = {
    "greyhound::gc::", "greyhound::maps::", "greyhound::runtime::"};

// Functions that Go has under the same name, whatever class they belong to here.
constexpr auto kGoNames = std::to_array<std::string_view>({
    "assertE2I",          "convT2E",           "convT64",
    "convTstring",        "deductSweepCredit", "evacuate",
    "findObject",         "gcAssistAlloc",     "gcDrain",
    "gcDrainN",           "getitab",           "gopanic",
    "gorecover",          "greyobject",        "growWork",
    "hashGrow",           "ifaceE2I",          "makemap",
    "mallocgc",           "mapaccess1",        "mapaccess1_fast64",
    "mapaccess1_faststr", "mapaccess2",        "mapaccess2_fast64",
    "mapaccess2_faststr", "mapassign",         "mapassign_fast64",
    "mapassign_faststr",  "mapdelete",         "mapdelete_fast64",
    "mapdelete_faststr",  "newarray",          "newobject",
    "scanobject",         "typedmemmove",
});

// Removes parameters and template arguments, wherever they stand, but not what belongs to the name
// of an operator.
std::string without_brackets(std::string_view name) {
  constexpr std::string_view kOperator = "operator";
  std::string result;
  int depth = 0;
  for (size_t i = 0; i < name.size();) {
    if (depth == 0 && name.substr(i).starts_with(kOperator)) {
      size_t end = std::min(name.find_first_not_of("<>=-!()", i + kOperator.size()), name.size());
      // operator()(int) and operator<(int): the last bracket opens the parameters.
      if (end < name.size() || name.ends_with(')')) end = name.find('(', i + kOperator.size() + 1);
      end = std::min(end, name.size());
      result += name.substr(i, end - i);
      i = end;
      continue;
    }
    const char c = name[i++];
    if (c == '<' || c == '(') {
      ++depth;
    } else if ((c == '>' || c == ')') && depth > 0) {
      --depth;
    } else if (depth == 0) {
      result += c;
    }
  }
  return result;
}

std::string without(std::string text, std::string_view part) {
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part)) {
    text.erase(at, part.size());
  }
  return text;
}

}  // namespace

std::string demangle(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : symbol;
}

std::string display_name(std::string_view demangled) {
  std::string name = without_brackets(without(std::string(demangled), kAnonymous));
  if (name.ends_with(" const")) name.erase(name.size() - 6);
  // A function template's name begins with what it returns.
  if (const size_t space = name.rfind(' ');
      space != std::string::npos && name.find("operator") == std::string::npos)
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

}  // namespace greyhound::pprof
