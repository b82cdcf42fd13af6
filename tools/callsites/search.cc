// SPDX-License-Identifier: MIT
#include "tools/callsites/search.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "runtime/watch/pprof/names.h"
#include "tools/callsites/function_code.h"
#include "tools/callsites/known_functions.h"

namespace greyhound::callsites {
namespace {

struct Known {
  FunctionCode code;
  std::vector<Inlined> inlined;
  std::vector<Range> parts;
  bool done = false;  // false: its code is being read, by a call of itself among others
};

class Search {
 public:
  Search(const Binary& binary, const Function& start) : binary_(binary), disassembler_(binary) {
    report_.function = start;
    reach(start, nullptr, 0, false);
    // All that is done by calls which return comes first; what else is reached, only a panic does.
    follow(false);
    std::swap(now_, on_panic_);
    follow(true);
    find_allocating(start);
    std::ranges::stable_sort(report_.sites, {}, [](const Site& s) { return s.path.size(); });
    report_.imports.assign(imports_.begin(), imports_.end());
    report_.searched = reached_.size();
  }
  Report take() { return std::move(report_); }

 private:
  // How a function was reached first, which is a shortest way.
  struct Reached {
    const Function* function;
    const Function* caller;
    uint64_t at;  // in the caller
    bool only_to_panic;
  };

  const Known& known(const Function& function) {
    const auto [entry, fresh] = known_.try_emplace(function.address);
    Known& result = entry->second;  // references to elements survive a rehash
    if (!fresh) return result;
    const FunctionDetails& details = binary_.details(function, is_allocator);
    result.code = disassembler_.read(function.address, details.parts,
                                     [this](const Call& call) { return returns(call); });
    result.code.returns = result.code.returns && !details.noreturn;
    result.inlined = details.inlined;
    result.parts = details.parts;
    result.done = true;
    report_.undecoded += result.code.undecoded;
    return result;
  }

  // A function that calls itself is taken for one that returns.
  bool returns(const Call& call) {
    if (call.unresolved()) return true;
    if (!call.import.empty()) return !never_returns(call.import);
    const Function* target = binary_.function_at(call.target);
    if (target == nullptr || is_leaf(*target)) return true;
    if (never_returns(target->symbol)) return false;
    const Known& callee = known(*target);
    return !callee.done || callee.code.returns;
  }

  static bool is_leaf(const Function& function) {
    return is_allocator(function.name) || is_off_heap_allocator(function.symbol) ||
           grows_stack(function.symbol);
  }

  void reach(const Function& function, const Function* caller, uint64_t at, bool only_to_panic) {
    if (!seen_.insert(function.address).second) return;
    now_.push_back({&function, caller, at, only_to_panic});
  }

  void follow(bool only_to_panic) {
    for (; !now_.empty(); now_.pop_front()) {
      Reached reached = now_.front();
      reached.only_to_panic = only_to_panic;
      // Those put off may have been reached by another way meanwhile.
      if (!reached_.try_emplace(reached.function->address, reached).second) continue;
      look_into(reached);
    }
  }

  void look_into(const Reached& in) {
    const Known& function = known(*in.function);
    for (const Inlined& inlined : function.inlined) {
      const bool dead_end = std::ranges::all_of(inlined.code, [&](const Range& range) {
        return std::ranges::any_of(function.code.dead_ends, [&](const Range& dead) {
          return dead.begin <= range.begin && range.end <= dead.end;
        });
      });
      add_site(in, SiteKind::kInlined, inlined.name, inlined.code.front().begin, dead_end);
    }
    for (const Call& call : function.code.calls) look_at(in, call);
  }

  void look_at(const Reached& in, const Call& call) {
    if (call.unresolved()) return add_site(in, SiteKind::kPointer, "", call.at, call.ends_in_panic);
    if (!call.import.empty()) {
      imports_.insert(pprof::name_of_symbol(call.import));
      if (is_off_heap_allocator(call.import))
        add_site(in, SiteKind::kOffHeap, pprof::name_of_symbol(call.import), call.at,
                 call.ends_in_panic);
      return;
    }
    const Function* target = binary_.function_at(call.target);
    if (target == nullptr) return add_site(in, SiteKind::kPointer, "", call.at, call.ends_in_panic);
    if (is_allocator(target->name))
      return add_site(in, SiteKind::kCall, target->name, call.at, call.ends_in_panic);
    if (is_off_heap_allocator(target->symbol))
      return add_site(in, SiteKind::kOffHeap, target->name, call.at, call.ends_in_panic);
    if (grows_stack(target->symbol)) {
      report_.grows_stack = true;
    } else if (call.ends_in_panic && !in.only_to_panic) {
      on_panic_.push_back({target, in.function, call.at, true});
    } else {
      reach(*target, in.function, call.at, in.only_to_panic);
    }
  }

  void add_site(const Reached& in, SiteKind kind, const std::string& callee, uint64_t at,
                bool dead_end) {
    Site site{kind, callee, at, path_to(in), in.only_to_panic || dead_end};
    add_steps(at, &site.path);
    const bool allocates = kind == SiteKind::kCall || kind == SiteKind::kInlined;
    if (allocates && !site.only_to_panic) allocates_.try_emplace(in.function->address, site);
    // Compilers copy code: one place of the source is one site.
    const auto same = [&](const Site& other) {
      return other.kind == kind && other.callee == callee && other.path == site.path &&
             other.only_to_panic == site.only_to_panic;
    };
    if (std::ranges::none_of(report_.sites, same)) report_.sites.push_back(std::move(site));
  }

  std::vector<Step> path_to(const Reached& in) const {
    std::vector<uint64_t> calls;
    for (const Reached* at = &in; at->caller != nullptr; at = &reached_.at(at->caller->address))
      calls.push_back(at->at);
    std::vector<Step> path;
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) add_steps(*call, &path);
    return path;
  }

  // The functions at an address, the outermost first; without the allocator's own, which a site
  // names.
  void add_steps(uint64_t address, std::vector<Step>* path) const {
    const std::vector<pprof::Frame> frames = binary_.frames(address);
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      const bool inlined = frame != frames.rbegin();
      if (inlined && is_allocator(frame->name)) break;
      path->push_back({frame->name, frame->file, frame->line, inlined});
    }
  }

  // --- the start's own calls, and where each leads

  // A call in `caller` that leads to an allocation by the fewest calls.
  struct Lead {
    uint64_t at = 0;
    uint64_t callee = 0;
  };

  const Function* searched_target(const Call& call) const {
    if (call.ends_in_panic || call.target == 0) return nullptr;
    const Function* target = binary_.function_at(call.target);
    return target == nullptr || is_leaf(*target) ? nullptr : target;
  }

  // From the functions that allocate, back to their callers.
  std::unordered_map<uint64_t, Lead> leads() const {
    std::unordered_map<uint64_t, std::vector<std::pair<uint64_t, uint64_t>>> callers;
    for (const auto& [address, reached] : reached_) {
      for (const Call& call : known_.at(address).code.calls) {
        if (const Function* target = searched_target(call); target != nullptr)
          callers[target->address].emplace_back(address, call.at);
      }
    }
    std::unordered_map<uint64_t, Lead> leads;
    std::deque<uint64_t> next;
    for (const auto& [address, site] : allocates_) next.push_back(address);
    std::ranges::sort(next);
    for (; !next.empty(); next.pop_front()) {
      std::vector<std::pair<uint64_t, uint64_t>>& from = callers[next.front()];
      std::ranges::sort(from);
      for (const auto& [caller, at] : from) {
        if (allocates_.contains(caller) ||
            !leads.try_emplace(caller, Lead{at, next.front()}).second)
          continue;
        next.push_back(caller);
      }
    }
    return leads;
  }

  void find_allocating(const Function& start) {
    const std::unordered_map<uint64_t, Lead> lead = leads();
    for (const Site& site : report_.sites) {
      if (is_own(site, start)) report_.allocating.push_back(site);
    }
    for (const Call& call : known_.at(start.address).code.calls) {
      const Function* target = searched_target(call);
      if (target == nullptr) continue;
      Site site;
      add_steps(call.at, &site.path);
      uint64_t at = target->address;
      for (auto on = lead.find(at); on != lead.end() && !allocates_.contains(at);
           on = lead.find(at)) {
        add_steps(on->second.at, &site.path);
        at = on->second.callee;
      }
      const auto end = allocates_.find(at);
      if (end == allocates_.end()) continue;
      site.kind = end->second.kind;
      site.callee = end->second.callee;
      site.address = call.at;
      add_steps(end->second.address, &site.path);
      report_.allocating.push_back(std::move(site));
    }
  }

  bool is_own(const Site& site, const Function& start) const {
    if (site.only_to_panic || (site.kind != SiteKind::kCall && site.kind != SiteKind::kInlined))
      return false;
    const auto holds = [&](const Range& part) { return part.contains(site.address); };
    return std::ranges::any_of(known_.at(start.address).parts, holds);
  }

  const Binary& binary_;
  Disassembler disassembler_;
  Report report_;
  std::unordered_map<uint64_t, Known> known_;
  std::unordered_map<uint64_t, Reached> reached_;
  std::unordered_set<uint64_t> seen_;
  std::deque<Reached> now_, on_panic_;
  std::set<std::string> imports_;
  std::unordered_map<uint64_t, Site> allocates_;  // a site of each function that has one
};

}  // namespace

size_t Report::count(SiteKind kind, bool only_to_panic) const {
  return static_cast<size_t>(std::ranges::count_if(sites, [&](const Site& site) {
    return site.kind == kind && site.only_to_panic == only_to_panic;
  }));
}

Report search(const Binary& binary, const Function& function) {
  return Search(binary, function).take();
}

}  // namespace greyhound::callsites
