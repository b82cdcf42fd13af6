// SPDX-License-Identifier: MIT
// An executable as a file: its functions, their code, and what its relocations and its DWARF say of
// them. Everything is read with libelf and libdw, nothing is run. Addresses are the file's own, as
// objdump shows them.
//
// One thread at a time, as libdw wants it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::callsites {

// A file that is no executable that could be read so: a sentence that names it.
class BinaryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Function {
  uint64_t address = 0;
  uint64_t size = 0;
  std::string symbol;  // the linker's
  std::string name;    // as profiles show it: runtime.mallocgc
};

struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool contains(uint64_t address) const { return begin <= address && address < end; }
};

// A call that the compiler replaced by the function's code.
struct Inlined {
  std::string name;
  std::vector<Range> code;  // never empty; in order
};

// What the executable's DWARF says of one function.
struct FunctionDetails {
  std::vector<Range> parts;  // its code; compilers put what is rarely run elsewhere
  bool noreturn = false;
  std::vector<Inlined> inlined;  // outermost calls of what was asked for
};

// A word that the dynamic linker fills in: with the address of a function of another file, by name,
// or of one of this file's.
struct Slot {
  std::string import;
  uint64_t target = 0;
};

class Binary {
 public:
  // Throws BinaryError: no such file, no x86-64 executable, no symbols, no DWARF.
  explicit Binary(std::string path);
  ~Binary();
  Binary(const Binary&) = delete;
  Binary& operator=(const Binary&) = delete;

  const std::string& path() const { return path_; }
  // By address. Of several names of one function, one.
  const std::vector<Function>& functions() const { return functions_; }
  // The function that `address` lies in, or null.
  const Function* function_at(uint64_t address) const;

  // The bytes from `address` to the end of its section; empty outside of code.
  std::span<const uint8_t> code(uint64_t address) const;
  const Slot* slot(uint64_t address) const;

  // `wanted`: which inlined functions to look for, by display name. Both look-ups walk a
  // compilation unit, which for Go's runtime is most of the program: what they found is kept.
  const FunctionDetails& details(const Function& function,
                                 bool (*wanted)(const std::string& name)) const;
  // The functions at `address`, from the innermost outwards; may be empty.
  const std::vector<pprof::Frame>& frames(uint64_t address) const;
  // How many of either were looked up, not had already.
  size_t lookups() const { return details_.size() + frames_.size(); }

 private:
  struct Handles;
  struct Section {
    uint64_t address;
    std::span<const uint8_t> bytes;
  };

  void open();
  [[noreturn]] void cannot_use(const char* why) const;
  void read_functions();
  void read_sections();
  void read_slots(void* section);
  FunctionDetails look_up(const Function& function, bool (*wanted)(const std::string& name)) const;

  std::string path_;
  std::unique_ptr<Handles> handles_;
  std::vector<Function> functions_;
  std::vector<Section> sections_;
  std::unordered_map<uint64_t, Slot> slots_;
  // By address; of details, with what was wanted.
  mutable std::map<std::pair<uint64_t, bool (*)(const std::string&)>, FunctionDetails> details_;
  mutable std::unordered_map<uint64_t, std::vector<pprof::Frame>> frames_;
};

}  // namespace greyhound::callsites
