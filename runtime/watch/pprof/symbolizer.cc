// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/symbolizer.h"

#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <string>

#include "runtime/watch/pprof/dwarf_frames.h"
#include "runtime/watch/pprof/names.h"

namespace greyhound::pprof {
namespace {

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

// Without what differs from run to run: libdw names the vdso "[vdso: 4711]", by process.
std::string file_of(Dwfl_Module* module) {
  if (module == nullptr) return "";
  const char* name =
      dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  const std::string file = name == nullptr ? "" : name;
  return file.starts_with("[vdso") ? "vdso" : file;
}

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
  // Not by its address, which is another one in the next run.
  if (location.frames.empty())
    location.frames.push_back({nameless_frame(file_of(module)), "", "", 0});
  return location;
}

}  // namespace greyhound::pprof
