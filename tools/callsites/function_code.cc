// SPDX-License-Identifier: MIT
#include "tools/callsites/function_code.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <new>
#include <unordered_map>

namespace greyhound::callsites {
namespace {

enum class Flow : uint8_t {
  kNext,    // falls through
  kCall,    // falls through when the call returns
  kBranch,  // may jump
  kJump,    // jumps
  kTable,   // jumps to somewhere in the function: a switch
  kReturn,
  kStop,  // traps
};

struct Instruction {
  uint64_t address = 0;
  uint8_t size = 0;
  Flow flow = Flow::kNext;
  uint64_t target = 0;        // of a call or jump; 0: not in the instruction
  uint64_t slot = 0;          // the word that holds the target, where it is at a fixed address
  bool loads_offset = false;  // movslq (base,index,4): what a switch does before it jumps
  bool returns = false;       // a return can be reached from here
};

bool is_table_jump(const cs_x86_op& operand) {
  return operand.type == X86_OP_MEM && operand.mem.index != X86_REG_INVALID &&
         operand.mem.scale == 8;
}

void set_target(const cs_insn& insn, Instruction* out) {
  const cs_x86& x86 = insn.detail->x86;
  if (x86.op_count == 0) return;
  const cs_x86_op& operand = x86.operands[0];
  if (operand.type == X86_OP_IMM) out->target = static_cast<uint64_t>(operand.imm);
  if (operand.type != X86_OP_MEM || operand.mem.index != X86_REG_INVALID) return;
  if (operand.mem.base == X86_REG_RIP)
    out->slot = insn.address + insn.size + static_cast<uint64_t>(operand.mem.disp);
}

bool loads_table_offset(const cs_insn& insn) {
  const cs_x86& x86 = insn.detail->x86;
  return insn.id == X86_INS_MOVSXD && x86.op_count == 2 && x86.operands[1].type == X86_OP_MEM &&
         x86.operands[1].mem.scale == 4 && x86.operands[1].mem.index != X86_REG_INVALID;
}

bool in_group(const cs_insn& insn, uint8_t group) {
  const uint8_t* groups = insn.detail->groups;
  return std::find(groups, groups + insn.detail->groups_count, group) !=
         groups + insn.detail->groups_count;
}

Instruction instruction_of(const cs_insn& insn) {
  Instruction out;
  out.address = insn.address;
  out.size = static_cast<uint8_t>(insn.size);
  if (insn.id == 0) return out;  // bytes that are skipped
  if (insn.id == X86_INS_UD2 || insn.id == X86_INS_HLT || insn.id == X86_INS_INT3) {
    out.flow = Flow::kStop;
  } else if (in_group(insn, CS_GRP_RET) || in_group(insn, CS_GRP_IRET)) {
    out.flow = Flow::kReturn;
  } else if (in_group(insn, CS_GRP_CALL)) {
    out.flow = Flow::kCall;
    set_target(insn, &out);
  } else if (in_group(insn, CS_GRP_JUMP)) {
    out.flow = insn.id == X86_INS_JMP ? Flow::kJump : Flow::kBranch;
    set_target(insn, &out);
    if (insn.id == X86_INS_JMP && is_table_jump(insn.detail->x86.operands[0]))
      out.flow = Flow::kTable;
  }
  out.loads_offset = loads_table_offset(insn);
  return out;
}

// A jump by register soon after an offset was loaded is a switch, compiled without absolute
// addresses.
void find_tables(std::vector<Instruction>* code) {
  constexpr size_t kSoon = 8;
  for (size_t i = 0; i < code->size(); ++i) {
    Instruction& jump = (*code)[i];
    if (jump.flow != Flow::kJump || jump.target != 0 || jump.slot != 0) continue;
    for (size_t back = 1; back <= std::min(i, kSoon); ++back) {
      if ((*code)[i - back].loads_offset) jump.flow = Flow::kTable;
    }
  }
}

}  // namespace

struct Disassembler::Engine {
  csh handle = 0;
  cs_insn* insn = nullptr;

  Engine() {
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) throw std::bad_alloc();
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    insn = cs_malloc(handle);
    if (insn == nullptr) throw std::bad_alloc();
  }
  ~Engine() {
    if (insn != nullptr) cs_free(insn, 1);
    if (handle != 0) cs_close(&handle);
  }

  // Appends what lies in `part`. Bytes that are no instruction are counted, each for itself.
  void decode(const Binary& binary, const Range& part, std::vector<Instruction>* out,
              size_t* undecoded) {
    std::span<const uint8_t> bytes = binary.code(part.begin);
    const uint8_t* at = bytes.data();
    size_t left = std::min<size_t>(bytes.size(), part.end - part.begin);
    uint64_t address = part.begin;
    while (left > 0) {
      if (cs_disasm_iter(handle, &at, &left, &address, insn)) {
        out->push_back(instruction_of(*insn));
        continue;
      }
      out->push_back({address, 1, Flow::kNext, 0, 0, false, false});
      ++*undecoded;
      ++at, --left, ++address;
    }
  }
};

Disassembler::Disassembler(const Binary& binary)
    : engine_(std::make_unique<Engine>()), binary_(binary) {}
Disassembler::~Disassembler() = default;

namespace {

using Index = std::unordered_map<uint64_t, size_t>;

// Where a call or a jump out of the function goes, as far as the file says.
class Resolver {
 public:
  Resolver(const Binary& binary, std::function<std::vector<Instruction>(const Range&)> decode)
      : binary_(binary), decode_(std::move(decode)) {}

  Call operator()(const Instruction& instruction) const {
    Call call;
    call.at = instruction.address;
    call.jump = instruction.flow != Flow::kCall;
    if (instruction.slot != 0) {
      by_slot(instruction.slot, &call);
    } else if (instruction.target != 0 && !through_linkage_table(instruction.target, &call)) {
      call.target = instruction.target;
    }
    return call;
  }

 private:
  bool by_slot(uint64_t address, Call* call) const {
    const Slot* slot = binary_.slot(address);
    if (slot == nullptr) return false;
    call->import = slot->import;
    call->target = slot->target;
    return !call->unresolved();
  }

  // The stubs that the linker makes for functions of other files have no symbols.
  bool through_linkage_table(uint64_t target, Call* call) const {
    if (binary_.function_at(target) != nullptr) return false;
    constexpr uint64_t kStub = 16;
    for (const Instruction& instruction : decode_({target, target + kStub})) {
      if (instruction.flow == Flow::kJump)
        return instruction.slot != 0 && by_slot(instruction.slot, call);
    }
    return false;
  }

  const Binary& binary_;
  std::function<std::vector<Instruction>(const Range&)> decode_;
};

// What is known of each instruction's way to a return.
class Flows {
 public:
  Flows(std::vector<Instruction> code, const Resolver& resolve,
        const std::function<bool(const Call&)>& returns)
      : code_(std::move(code)) {
    for (size_t i = 0; i < code_.size(); ++i) index_.emplace(code_[i].address, i);
    for (size_t i = 0; i < code_.size(); ++i) add_call(i, resolve, returns);
    while (pass()) {
    }
  }

  std::vector<Call> calls() const {
    std::vector<Call> calls = calls_;
    for (size_t i = 0; i < calls.size(); ++i)
      calls[i].ends_in_panic = !code_[call_instruction_[i]].returns;
    return calls;
  }
  bool returns(uint64_t entry) const {
    const auto first = index_.find(entry);
    return first == index_.end() || code_[first->second].returns;
  }
  std::vector<Range> dead_ends() const {
    std::vector<Range> ranges;
    for (const Instruction& i : code_) {
      if (i.returns) continue;
      if (ranges.empty() || ranges.back().end != i.address)
        ranges.push_back({i.address, i.address});
      ranges.back().end = i.address + i.size;
    }
    return ranges;
  }

 private:
  bool leaves(const Instruction& i) const {
    const bool jumps = i.flow == Flow::kJump || i.flow == Flow::kBranch;
    return jumps && !index_.contains(i.target);
  }

  void add_call(size_t i, const Resolver& resolve,
                const std::function<bool(const Call&)>& returns) {
    const Instruction& instruction = code_[i];
    if (instruction.flow != Flow::kCall && !leaves(instruction)) return;
    const Call call = resolve(instruction);
    comes_back_.emplace(instruction.address, returns(call));
    calls_.push_back(call);
    call_instruction_.push_back(i);
  }

  bool next_returns(size_t i) const {
    return i + 1 < code_.size() && code_[i + 1].address == code_[i].address + code_[i].size &&
           code_[i + 1].returns;
  }
  bool target_returns(const Instruction& i) const {
    const auto target = index_.find(i.target);
    return target == index_.end() ? comes_back_.at(i.address) : code_[target->second].returns;
  }

  bool reaches_return(size_t i) const {
    const Instruction& instruction = code_[i];
    switch (instruction.flow) {
      case Flow::kNext:
        return next_returns(i);
      case Flow::kCall:
        return comes_back_.at(instruction.address) && next_returns(i);
      case Flow::kBranch:
        return target_returns(instruction) || next_returns(i);
      case Flow::kJump:
        return target_returns(instruction);
      case Flow::kTable:
      case Flow::kReturn:
        return true;
      case Flow::kStop:
        return false;
    }
    return true;
  }

  // From the end to the beginning, against the flow. Whether anything was learnt.
  bool pass() {
    bool changed = false;
    for (size_t i = code_.size(); i-- > 0;) {
      if (code_[i].returns || !reaches_return(i)) continue;
      code_[i].returns = changed = true;
    }
    return changed;
  }

  std::vector<Instruction> code_;
  Index index_;
  std::vector<Call> calls_;
  std::vector<size_t> call_instruction_;
  std::unordered_map<uint64_t, bool> comes_back_;
};

}  // namespace

FunctionCode Disassembler::read(uint64_t entry, const std::vector<Range>& parts,
                                const std::function<bool(const Call&)>& returns) {
  FunctionCode out;
  std::vector<Instruction> code;
  for (const Range& part : parts) engine_->decode(binary_, part, &code, &out.undecoded);
  find_tables(&code);
  const Resolver resolve(binary_, [this](const Range& range) {
    std::vector<Instruction> stub;
    size_t undecoded = 0;
    engine_->decode(binary_, range, &stub, &undecoded);
    return stub;
  });
  const Flows flows(std::move(code), resolve, returns);
  out.calls = flows.calls();
  out.returns = flows.returns(entry);
  out.dead_ends = flows.dead_ends();
  return out;
}

}  // namespace greyhound::callsites
