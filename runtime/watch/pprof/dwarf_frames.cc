// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/dwarf_frames.h"

#include <dwarf.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "runtime/watch/pprof/names.h"

namespace greyhound::pprof {
namespace {

struct Place {
  std::string file;
  int64_t line = 0;
};

Frame frame_of(const std::string& symbol, const Place& place) {
  return {name_of_symbol(symbol), symbol, place.file, place.line};
}

std::string string_attribute(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  const char* text = dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
  return text == nullptr ? std::string() : text;
}

// The entry that stands where the function is declared, in its class and namespaces.
Dwarf_Die declaration_of(Dwarf_Die* die) {
  Dwarf_Die at = *die;
  Dwarf_Attribute attribute;
  for (const unsigned link : {DW_AT_abstract_origin, DW_AT_specification}) {
    Dwarf_Die next;
    if (dwarf_attr(&at, link, &attribute) != nullptr &&
        dwarf_formref_die(&attribute, &next) != nullptr)
      at = next;
  }
  return at;
}

// What a class, namespace or function adds to the names in it. An anonymous namespace has no name.
std::string scope_name(Dwarf_Die* die) {
  switch (dwarf_tag(die)) {
    case DW_TAG_namespace:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_subprogram: {
      std::string name = string_attribute(die, DW_AT_name);
      return name.starts_with("<lambda") ? "{lambda}" : name;
    }
    default:
      return {};
  }
}

// Compilers name a file relative to the folder that they ran in, or with that folder and ".." in
// it.
std::string source_path(Dwarf_Die* unit, const char* name) {
  std::filesystem::path path(name);
  if (path.is_relative()) path = string_attribute(unit, DW_AT_comp_dir) / path;
  return path.lexically_normal().string();
}

// Where an inlined function was called.
Place call_place(Dwarf_Die* inlined, Dwarf_Die* unit) {
  Place place;
  Dwarf_Attribute attribute;
  Dwarf_Word number = 0;
  if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &number) == 0)
    place.line = static_cast<int64_t>(number);
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &number) == 0 &&
      dwarf_getsrcfiles(unit, &files, &count) == 0) {
    if (const char* name = dwarf_filesrc(files, number, nullptr, nullptr); name != nullptr)
      place.file = source_path(unit, name);
  }
  return place;
}

Place place_of(Dwfl_Module* module, uint64_t address) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = unit_at(module, address, &bias);
  Dwarf_Line* line = unit == nullptr ? nullptr : dwarf_getsrc_die(unit, address - bias);
  const char* file = line == nullptr ? nullptr : dwarf_linesrc(line, nullptr, nullptr);
  int number = 0;
  if (file == nullptr || dwarf_lineno(line, &number) != 0) return {};
  return {source_path(unit, file), number};
}

// Where a function is declared: the place of code that belongs to no one line, as Clang says (line
// 0) of what it merged from several.
Place declared_at(Dwarf_Die* function) {
  int line = 0;
  const char* file = dwarf_decl_file(function);
  if (file == nullptr || dwarf_decl_line(function, &line) != 0) return {};
  Dwarf_Die unit;
  return {source_path(dwarf_diecu(function, &unit, nullptr, nullptr), file), line};
}

// Adds the functions under `parent` whose code holds `address`, from the outermost inwards.
bool add_functions_at(Dwarf_Die* parent, Dwarf_Addr address, std::vector<Dwarf_Die>* functions) {
  Dwarf_Die child;
  if (dwarf_child(parent, &child) != 0) return false;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_namespace) {
      if (add_functions_at(&child, address, functions)) return true;
      continue;
    }
    const bool is_function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
    if (!is_function && tag != DW_TAG_lexical_block) continue;
    if (dwarf_haspc(&child, address) != 1) continue;
    if (is_function) functions->push_back(child);
    add_functions_at(&child, address, functions);
    return true;
  } while (dwarf_siblingof(&child, &child) == 0);
  return false;
}

// The function at `address` and those it is inlined into, from the innermost outwards.
std::vector<Frame> frames_by_dwarf(Dwfl_Module* module, uint64_t address) {
  std::vector<Frame> frames;
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = unit_at(module, address, &bias);
  if (unit == nullptr) return frames;
  Place place = place_of(module, address);
  for (Dwarf_Die& function : functions_at(unit, address - bias)) {
    if (place.line == 0) place = declared_at(&function);
    frames.push_back(frame_of(symbol_of(&function), place));
    place = call_place(&function, unit);
  }
  return frames;
}

}  // namespace

Dwarf_Die* unit_at(Dwfl_Module* module, uint64_t address, Dwarf_Addr* bias) {
  if (Dwarf_Die* unit = dwfl_module_addrdie(module, address, bias); unit != nullptr) return unit;
  Dwarf_Die* unit = nullptr;
  while ((unit = dwfl_module_nextcu(module, unit, bias)) != nullptr) {
    if (dwarf_haspc(unit, address - *bias) == 1) return unit;
  }
  return nullptr;
}

std::vector<Dwarf_Die> functions_at(Dwarf_Die* unit, Dwarf_Addr address) {
  std::vector<Dwarf_Die> functions;
  add_functions_at(unit, address, &functions);
  std::ranges::reverse(functions);
  return functions;
}

std::string symbol_of(Dwarf_Die* die) {
  if (std::string name = string_attribute(die, DW_AT_linkage_name); !name.empty()) return name;
  std::string name;
  Dwarf_Die declaration = declaration_of(die);
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&declaration, &scopes);
  for (int i = 0; i < count; ++i) {
    const std::string scope = scope_name(&scopes[i]);
    if (!scope.empty()) name = name.empty() ? scope : scope + "::" + name;
  }
  if (count > 0) std::free(scopes);
  return name.empty() ? string_attribute(die, DW_AT_name) : name;
}

std::vector<Frame> frames_at(Dwfl_Module* module, uint64_t address) {
  std::vector<Frame> frames = frames_by_dwarf(module, address);
  if (!frames.empty()) return frames;
  if (const char* symbol = dwfl_module_addrname(module, address); symbol != nullptr)
    frames.push_back(frame_of(symbol, place_of(module, address)));
  return frames;
}

}  // namespace greyhound::pprof
