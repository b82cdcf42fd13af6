// SPDX-License-Identifier: MIT
#include "tools/pprof/symbolizer.h"

#include <elfutils/libdwfl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "tools/pprof/dwarf_frames.h"

namespace greyhound::pprof {
namespace {

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

}  // namespace

struct Symbolizer::Modules {
  Dwfl* dwfl = dwfl_begin(&kCallbacks);

  Modules() {
    if (dwfl == nullptr) return;
    dwfl_report_begin(dwfl);
    dwfl_linux_proc_report(dwfl, getpid());
    dwfl_report_end(dwfl, nullptr, nullptr);
  }
  ~Modules() { dwfl_end(dwfl); }
};

Symbolizer::Symbolizer() : modules_(std::make_unique<Modules>()) {}
Symbolizer::~Symbolizer() = default;

Location Symbolizer::call_before(uint64_t return_address) {
  // A byte of the call itself: the next instruction may belong to another line.
  const uint64_t address = return_address - 1;
  Location location{address, {}};
  Dwfl_Module* module =
      modules_->dwfl == nullptr ? nullptr : dwfl_addrmodule(modules_->dwfl, address);
  if (module != nullptr) location.frames = frames_at(module, address);
  if (location.frames.empty())
    location.frames.push_back({fmt::format("{:#x}", address), "", "", 0});
  return location;
}

}  // namespace greyhound::pprof
