// SPDX-License-Identifier: MIT
#include "runtime/profile/thread_sampler.h"

#include <link.h>

#include <algorithm>
#include <cstring>

#include "gc/cycle/collector.h"
#include "gc/watch/stats.h"

namespace greyhound::runtime {
namespace {

constexpr uint64_t kBroken = 1;

// One word of a stack, of whatever function's: not for sanitizers to judge.
GREYHOUND_NO_SANITIZE uintptr_t stack_word(uintptr_t address) {
  return *reinterpret_cast<const volatile uintptr_t*>(address);
}

}  // namespace

CodeMap::CodeMap() {
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* self) {
        auto* map = static_cast<CodeMap*>(self);
        for (size_t i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          const Range range{begin, begin + header.p_memsz};
          const auto here = reinterpret_cast<uintptr_t>(&stack_word);
          if (here - range.begin < range.end - range.begin) map->ours_ = range;
          if (map->count_ < kMost) map->ranges_[map->count_++] = range;
        }
        return 0;
      },
      this);
}

// call rel32 is E8 and four bytes; an indirect call is FF /2, two to seven bytes long.
GREYHOUND_NO_SANITIZE bool CodeMap::is_return_address(uintptr_t address) const {
  for (size_t i = 0; i < count_; ++i) {
    if (address - ranges_[i].begin >= ranges_[i].end - ranges_[i].begin) continue;
    if (address - ranges_[i].begin < 8) return false;
    const auto* code = reinterpret_cast<const volatile uint8_t*>(address);
    if (code[-5] == 0xe8) return true;
    for (int length = 2; length <= 7; ++length) {
      if (code[-length] == 0xff && (code[-length + 1] & 0x38) == 0x10) return true;
    }
    return false;
  }
  return false;
}

ThreadSampler::ThreadSampler(const gc::ThreadEntry& thread, const CodeMap* code, size_t ring_words)
    : name_(thread.name),
      phases_of_(thread.kind == gc::ThreadKind::kMutator ? nullptr : thread.collector),
      code_(code),
      ring_(std::max(ring_words, 4 * kMostWords)) {
  // Not known: samples without frames.
  const StackBounds stack = stack_bounds(thread.handle);
  stack_low_ = stack.low;
  stack_end_ = stack.end;
}

// --- in the handler

void ThreadSampler::take(const ucontext_t* context) {
  if (!ring_.reserve(kMostWords)) return;
  ring_.put(gc::thread_cpu_ns());
  ring_.put(0);  // frames, labels, broken
  ring_.put(phases_of_ == nullptr ? 0 : 1 + static_cast<uint64_t>(phases_of_->phase()));
  bool broken = false;
  const size_t frames = put_stack(context, &broken);
  const size_t labels = phases_of_ == nullptr ? put_labels() : 0;
  ring_.set(1, frames << 32 | labels << 8 | (broken ? kBroken : 0));
  ring_.publish();
}

// The return address of a function that has no frame at `pc`; 0 when it has, or none is found.
GREYHOUND_NO_SANITIZE uintptr_t ThreadSampler::caller_without_frame(uintptr_t pc,
                                                                    uintptr_t sp) const {
  const auto* code = reinterpret_cast<const volatile uint8_t*>(pc);
  const bool ours = code_->is_ours(pc);
  size_t word = 0;
  if (ours) {
    constexpr uint8_t kPushRbp = 0x55, kRet = 0xc3, kEndbr = 0xf3, kRexW = 0x48, kMov = 0x89;
    const bool sets_frame = code[0] == kRexW && code[1] == kMov && code[2] == 0xe5;
    const bool endbr = code[0] == kEndbr && code[1] == 0x0f && code[2] == 0x1e && code[3] == 0xfa;
    if (sets_frame && code[-1] == kPushRbp) {
      word = 1;
    } else if (code[0] != kPushRbp && code[0] != kRet && !endbr) {
      return 0;
    }
  }
  const uintptr_t at = sp + word * sizeof(uintptr_t);
  if (!on_own_stack(at) || stack_end_ - at < sizeof(uintptr_t)) return 0;
  const uintptr_t address = stack_word(at);
  return code_->is_return_address(address) ? address : 0;
}

// Puts the stack; returns how many frames.
size_t ThreadSampler::put_stack(const ucontext_t* context, bool* broken) {
  const auto& registers = context->uc_mcontext.gregs;
  const auto pc = static_cast<uintptr_t>(registers[REG_RIP]);
  const auto sp = static_cast<uintptr_t>(registers[REG_RSP]);
  auto frame = static_cast<uintptr_t>(registers[REG_RBP]);
  size_t count = 0;
  uintptr_t last = 0;
  const auto put = [&](uintptr_t address) {
    ring_.put(address);
    last = address;
    ++count;
  };
  put(pc);
  if (sp % sizeof(uintptr_t) == 0 && on_own_stack(sp)) {
    if (const uintptr_t caller = caller_without_frame(pc, sp); caller != 0) put(caller);
    while (count < kMostFrames && frame % sizeof(uintptr_t) == 0 && frame >= sp &&
           on_own_stack(frame) && stack_end_ - frame >= 2 * sizeof(uintptr_t)) {
      const uintptr_t address = stack_word(frame + sizeof(uintptr_t));
      if (address == 0) break;
      put(address);
      const uintptr_t next = stack_word(frame);
      if (next <= frame) break;
      frame = next;
    }
  }
  // What calls a thread's first function is not ours: a stack that ends in our code is cut short.
  *broken = count < 2 || code_->is_ours(last);
  return count;
}

// Its length, and its bytes in whole words: as many as fit, `most` at most. REQUIRES: room.
void ThreadSampler::put_text(const std::string& text, size_t most, size_t* room) {
  size_t length = std::min({text.size(), most, (*room - 1) * sizeof(uint64_t)});
  // Not in the middle of a character.
  while (length < text.size() && length > 0 && (text[length] & 0xc0) == 0x80) --length;
  ring_.put(length);
  --*room;
  for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, std::min(sizeof word, length - at));
    ring_.put(word);
    --*room;
  }
}

// The thread's labels, the innermost first; the outermost of many have no room any more.
size_t ThreadSampler::put_labels() {
  size_t count = 0;
  size_t room = kMostLabelWords;
  for (const ProfileLabels* scope = ProfileLabels::current();
       scope != nullptr && count < kMostLabels && room >= 4; scope = scope->outer()) {
    // A long key leaves a word for its value's length.
    size_t key_room = room - 1;
    put_text(scope->key(), kMostKeyBytes, &key_room);
    room = key_room + 1;
    put_text(scope->value(), kMostValueBytes, &room);
    ++count;
  }
  return count;
}

// --- by the reader

std::string ThreadSampler::take_text() {
  std::string text(ring_.take(), '\0');
  for (size_t at = 0; at < text.size(); at += sizeof(uint64_t)) {
    const uint64_t word = ring_.take();
    std::memcpy(text.data() + at, &word, std::min(sizeof word, text.size() - at));
  }
  return text;
}

bool ThreadSampler::read(StackSample* sample) {
  if (ring_.available() == 0) return false;
  *sample = {};
  sample->thread_cpu_ns = ring_.take();
  const uint64_t header = ring_.take();
  const uint64_t phase = ring_.take();
  sample->broken = (header & kBroken) != 0;
  sample->stack.resize(header >> 32);
  for (uintptr_t& address : sample->stack) address = ring_.take();
  const auto set = [sample](const std::string& key, std::string value) {
    const bool there = std::ranges::any_of(
        sample->labels, [&key](const auto& label) { return label.first == key; });
    if (!there) sample->labels.emplace_back(key, std::move(value));
  };
  for (uint64_t labels = header >> 8 & 0xff; labels != 0; --labels) {
    const std::string key = take_text();
    set(key, take_text());
  }
  if (phase != 0) set("gcphase", gc::phase_name(static_cast<gc::Phase>(phase - 1)));
  set("thread", name_);
  std::ranges::sort(sample->labels);
  return true;
}

}  // namespace greyhound::runtime
