// SPDX-License-Identifier: MIT
#include "tools/callsites/binary.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/watch/pprof/dwarf_frames.h"
#include "runtime/watch/pprof/names.h"
#include "tools/common/plain_text.h"

namespace greyhound::callsites {
namespace {

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

bool has_section(Elf* elf, GElf_Word type) {
  for (Elf_Scn* at = elf_nextscn(elf, nullptr); at != nullptr; at = elf_nextscn(elf, at)) {
    GElf_Shdr header;
    if (gelf_getshdr(at, &header) != nullptr && header.sh_type == type) return true;
  }
  return false;
}

std::vector<Range> ranges_of(Dwarf_Die* die, Dwarf_Addr bias) {
  std::vector<Range> ranges;
  Dwarf_Addr base = 0, begin = 0, end = 0;
  ptrdiff_t next = 0;
  while ((next = dwarf_ranges(die, next, &base, &begin, &end)) > 0) {
    if (begin < end) ranges.push_back({begin + bias, end + bias});
  }
  std::ranges::sort(ranges, {}, &Range::begin);
  return ranges;
}

void add_inlined(Dwarf_Die* parent, Dwarf_Addr bias, bool (*wanted)(const std::string&),
                 std::vector<Inlined>* out) {
  Dwarf_Die child;
  if (dwarf_child(parent, &child) != 0) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_inlined_subroutine) {
      const std::string name = pprof::name_of_symbol(pprof::symbol_of(&child));
      if (wanted(name)) {
        std::vector<Range> code = ranges_of(&child, bias);
        if (!code.empty()) out->push_back({name, std::move(code)});
        continue;
      }
    }
    if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block)
      add_inlined(&child, bias, wanted, out);
  } while (dwarf_siblingof(&child, &child) == 0);
}

}  // namespace

struct Binary::Handles {
  Dwfl* dwfl = nullptr;
  Dwfl_Module* module = nullptr;
  Elf* elf = nullptr;
  GElf_Addr bias = 0;

  ~Handles() { dwfl_end(dwfl); }
};

Binary::Binary(std::string path) : path_(std::move(path)), handles_(std::make_unique<Handles>()) {
  open();
  read_functions();
  read_sections();
}

Binary::~Binary() = default;

void Binary::open() {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) cannot_use(std::strerror(errno));
  Handles& h = *handles_;
  h.dwfl = dwfl_begin(&kCallbacks);
  if (h.dwfl != nullptr) {
    dwfl_report_begin(h.dwfl);
    h.module = dwfl_report_elf(h.dwfl, path_.c_str(), path_.c_str(), file, 0, true);
    dwfl_report_end(h.dwfl, nullptr, nullptr);
  }
  if (h.module == nullptr) close(file);  // else libdwfl closes it
  if (h.module != nullptr) h.elf = dwfl_module_getelf(h.module, &h.bias);
  GElf_Ehdr header;
  if (h.elf == nullptr || gelf_getehdr(h.elf, &header) == nullptr || header.e_machine != EM_X86_64)
    cannot_use("it is no executable for x86-64");
  Dwarf_Addr bias = 0;
  if (dwfl_module_getdwarf(h.module, &bias) != nullptr) return;
  if (!has_section(h.elf, SHT_SYMTAB))
    cannot_use(
        "it is stripped, so it does not say what its functions are; build it with -g and do not "
        "strip it");
  cannot_use(
      "it has no debug information, without which allocations that were inlined cannot be seen; "
      "build it with -g");
}

void Binary::cannot_use(const char* why) const {
  throw BinaryError(fmt::format("{}: {}", pprof::plain_text(path_), why));
}

void Binary::read_functions() {
  Dwfl_Module* module = handles_->module;
  const int count = dwfl_module_getsymtab(module);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    const char* name =
        dwfl_module_getsym_info(module, i, &symbol, &address, &section, nullptr, nullptr);
    if (name == nullptr || section == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
      continue;
    if (symbol.st_size != 0) functions_.push_back({address, symbol.st_size, name, {}});
  }
  std::ranges::stable_sort(functions_, {}, &Function::address);
  const auto same = [](const Function& a, const Function& b) { return a.address == b.address; };
  functions_.erase(std::unique(functions_.begin(), functions_.end(), same), functions_.end());
  for (Function& function : functions_) function.name = pprof::name_of_symbol(function.symbol);
}

void Binary::read_sections() {
  Elf* elf = handles_->elf;
  for (Elf_Scn* at = elf_nextscn(elf, nullptr); at != nullptr; at = elf_nextscn(elf, at)) {
    GElf_Shdr header;
    if (gelf_getshdr(at, &header) == nullptr) continue;
    if (header.sh_type == SHT_RELA) read_slots(at);
    if ((header.sh_flags & SHF_EXECINSTR) == 0 || header.sh_type != SHT_PROGBITS) continue;
    const Elf_Data* data = elf_rawdata(at, nullptr);
    if (data == nullptr) continue;
    sections_.push_back({header.sh_addr + handles_->bias,
                         {static_cast<const uint8_t*>(data->d_buf), data->d_size}});
  }
}

void Binary::read_slots(void* section) {
  Elf* elf = handles_->elf;
  auto* const relocations = static_cast<Elf_Scn*>(section);
  GElf_Shdr header;
  Elf_Data* data = elf_getdata(relocations, nullptr);
  if (gelf_getshdr(relocations, &header) == nullptr || data == nullptr || header.sh_entsize == 0)
    return;
  Elf_Scn* symbols = elf_getscn(elf, header.sh_link);
  GElf_Shdr symbols_header;
  Elf_Data* symbols_data = symbols == nullptr ? nullptr : elf_getdata(symbols, nullptr);
  if (symbols_data == nullptr || gelf_getshdr(symbols, &symbols_header) == nullptr) return;
  for (size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Rela entry;
    GElf_Sym symbol;
    if (gelf_getrela(data, static_cast<int>(i), &entry) == nullptr) break;
    Slot slot;
    const size_t index = GELF_R_SYM(entry.r_info);
    if (GELF_R_TYPE(entry.r_info) == R_X86_64_RELATIVE) {
      slot.target = static_cast<uint64_t>(entry.r_addend) + handles_->bias;
    } else if (index != 0 &&
               gelf_getsym(symbols_data, static_cast<int>(index), &symbol) != nullptr) {
      const char* name = elf_strptr(elf, symbols_header.sh_link, symbol.st_name);
      if (symbol.st_shndx == SHN_UNDEF) {
        slot.import = name == nullptr ? "" : name;
      } else {
        slot.target = symbol.st_value + handles_->bias;
      }
    }
    slots_.emplace(entry.r_offset + handles_->bias, std::move(slot));
  }
}

const Function* Binary::function_at(uint64_t address) const {
  auto after = std::ranges::upper_bound(functions_, address, {}, &Function::address);
  if (after == functions_.begin()) return nullptr;
  const Function& function = *--after;
  return address - function.address < function.size ? &function : nullptr;
}

std::span<const uint8_t> Binary::code(uint64_t address) const {
  for (const Section& section : sections_) {
    if (address >= section.address && address - section.address < section.bytes.size())
      return section.bytes.subspan(address - section.address);
  }
  return {};
}

const Slot* Binary::slot(uint64_t address) const {
  const auto found = slots_.find(address);
  return found == slots_.end() ? nullptr : &found->second;
}

const FunctionDetails& Binary::details(const Function& function,
                                       bool (*wanted)(const std::string& name)) const {
  const std::pair key(function.address, wanted);
  if (const auto had = details_.find(key); had != details_.end()) return had->second;
  return details_.emplace(key, look_up(function, wanted)).first->second;
}

FunctionDetails Binary::look_up(const Function& function,
                                bool (*wanted)(const std::string& name)) const {
  FunctionDetails details;
  Dwarf_Addr bias = 0;
  std::vector<Dwarf_Die> found;
  if (Dwarf_Die* unit = pprof::unit_at(handles_->module, function.address, &bias); unit != nullptr)
    found = pprof::functions_at(unit, function.address - bias);
  if (!found.empty()) {
    Dwarf_Die die = found.back();
    Dwarf_Attribute attribute;
    bool flag = false;
    details.parts = ranges_of(&die, bias);
    details.noreturn =
        dwarf_formflag(dwarf_attr_integrate(&die, DW_AT_noreturn, &attribute), &flag) == 0 && flag;
    add_inlined(&die, bias, wanted, &details.inlined);
  }
  const auto holds = [&](const Range& part) { return part.contains(function.address); };
  if (std::ranges::none_of(details.parts, holds))
    details.parts = {{function.address, function.address + function.size}};
  return details;
}

const std::vector<pprof::Frame>& Binary::frames(uint64_t address) const {
  const auto had = frames_.find(address);
  if (had != frames_.end()) return had->second;
  return frames_.emplace(address, pprof::frames_at(handles_->module, address)).first->second;
}

}  // namespace greyhound::callsites
