// SPDX-License-Identifier: MIT
#include "gc/weak/reference_processor.h"

#include <algorithm>
#include <utility>

#include "gc/bug.h"
#include "gc/mark/marker.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "gc/mutator/pieces.h"
#include "gc/mutator/write_barrier.h"
#include "gc/watch/wait_profile.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

uintptr_t address_of(const void* object) { return reinterpret_cast<uintptr_t>(object); }

// From here on, growing a list by one may mean to move so many that others would wait for it.
constexpr size_t kLongList = 1 << 15;

template <class Key, class Value>
bool has_room(const OwnMap<Key, Value>& map) {
  return static_cast<double>(map.size() + 1) <=
         static_cast<double>(map.max_load_factor()) * static_cast<double>(map.bucket_count());
}

template <class T>
bool has_room(const OwnVector<T>& list) {
  return list.size() < list.capacity();
}

}  // namespace

std::unique_lock<std::mutex> ReferenceProcessor::lock_from_mutator() {
  while (true) {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock()) return lock;
    BlockingScope blocking(current_mutator(), "waiting for the list of weak cells and finalizers");
    lock.lock();
    // Let go of again before the region is left: that may wait for a collector that wants the lock.
    lock.unlock();
  }
}

template <class List>
std::unique_lock<std::mutex> ReferenceProcessor::lock_with_room(List* list) {
  while (true) {
    auto lock = lock_from_mutator();
    if (list->size() < kLongList || has_room(*list)) return lock;
    lock.unlock();
    BlockingScope blocking(current_mutator(), "growing the list of weak cells and finalizers");
    const std::lock_guard again(mutex_);
    if (!has_room(*list)) list->reserve(2 * list->size());
  }
}

// REQUIRES: `address` points into an allocated object.
bool ReferenceProcessor::is_marked(uintptr_t address) const {
  return gc_->heap.marks.test(gc_->heap.findObject(address).base);
}

// The list holds its cells weakly, so taking one from there may bring it back to life. It has no
// pointers, so its mark is all that this takes, whatever the phase.
WeakCell* ReferenceProcessor::taken(WeakCell* cell) {
  if (current_mutator()->shading()) gc_->heap.marks.test_and_set(address_of(cell));
  return cell;
}

WeakCell* ReferenceProcessor::find_weak(const void* object) {
  const auto lock = lock_from_mutator();
  const auto found = weak_.find(address_of(object));
  return found != weak_.end() ? taken(found->second) : nullptr;
}

WeakCell* ReferenceProcessor::add_weak(const void* object, WeakCell* cell) {
  const auto lock = lock_with_room(&weak_);
  WeakCell*& entry = weak_[address_of(object)];
  if (entry != nullptr) return taken(entry);
  store_word(&cell->target, address_of(object));
  entry = cell;
  return cell;
}

void ReferenceProcessor::add_ephemeron(EphemeronCell* cell, void* key, void* value) {
  const auto lock = lock_with_room(&ephemerons_);
  // The pass over the ephemerons may be over while the cell and perhaps the key are black already.
  write_barrier(nullptr, value);
  store_word(&cell->key, address_of(key));
  store_word(&cell->value, address_of(value));
  ephemerons_.push_back(cell);
}

// What is replaced or cancelled here may hold anything, whose destructor may come back here or wait
// for the collector: it ends when the lock is let go of, the caller's argument after that.
void ReferenceProcessor::set_finalizer(void* object, Finalizer finalizer) {
  decltype(finalizers_)::node_type removed;
  const RootedPair rooted(current_mutator(), object, nullptr);
  const auto lock = lock_with_room(&finalizers_);
  if (finalizer) {
    finalizers_[address_of(object)].swap(finalizer);
  } else {
    removed = finalizers_.extract(address_of(object));
  }
}

uint64_t ReferenceProcessor::add_cleanup(const void* object, CleanupFunction cleanup) {
  const RootedPair rooted(current_mutator(), object, nullptr);
  // The other map may have grown once more meanwhile; it has as many entries at most.
  lock_with_room(&cleanups_);
  const auto lock = lock_with_room(&cleanup_objects_);
  const uint64_t id = ++last_cleanup_;
  cleanups_[address_of(object)].push_back({id, std::move(cleanup)});
  cleanup_objects_[id] = address_of(object);
  return id;
}

bool ReferenceProcessor::cancel_cleanup(uint64_t id) {
  CleanupFunction cancelled;
  const auto lock = lock_from_mutator();
  const auto object = cleanup_objects_.find(id);
  if (object == cleanup_objects_.end()) return false;
  const auto entry = cleanups_.find(object->second);
  const auto cleanup = std::find_if(entry->second.begin(), entry->second.end(),
                                    [id](const Cleanup& each) { return each.id == id; });
  cancelled = std::move(cleanup->function);
  entry->second.erase(cleanup);
  if (entry->second.empty()) cleanups_.erase(entry);
  cleanup_objects_.erase(object);
  return true;
}

bool ReferenceProcessor::empty() {
  ProfiledLock lock(mutex_, "lock: references");
  return weak_.empty() && ephemerons_.empty() && finalizers_.empty() && cleanups_.empty();
}

bool ReferenceProcessor::has_ephemerons() {
  ProfiledLock lock(mutex_, "lock: references");
  return !ephemerons_.empty();
}

bool ReferenceProcessor::mark_ephemerons(Marker* marker) {
  if (bug(Bug::kEphemeronsSkipped)) return false;
  ProfiledLock lock(mutex_, "lock: references");
  bool any = false;
  for (const EphemeronCell* cell : ephemerons_) {
    const uintptr_t value = load_word(&cell->value);
    if (value == 0 || !is_marked(address_of(cell)) || !is_marked(load_word(&cell->key))) continue;
    any |= marker->grey_root(value);
  }
  return any;
}

void ReferenceProcessor::clear_dead() {
  ProfiledLock lock(mutex_, "lock: references");
  // Also where the cell itself is unmarked: a finalizer may be about to revive it.
  if (!bug(Bug::kWeakNotCleared)) {
    std::erase_if(weak_, [this](const auto& entry) {
      if (is_marked(entry.first)) return false;
      store_word(&entry.second->target, 0);
      return true;
    });
  }
  std::erase_if(ephemerons_, [this](EphemeronCell* cell) {
    const uintptr_t key = load_word(&cell->key);
    if (key != 0 && is_marked(key)) return false;
    store_word(&cell->value, 0);
    store_word(&cell->key, 0);
    return true;
  });
}

std::vector<uintptr_t> ReferenceProcessor::finalizable() {
  ProfiledLock lock(mutex_, "lock: references");
  std::vector<uintptr_t> found;
  for (const auto& [object, finalizer] : finalizers_) {
    if (!is_marked(object)) found.push_back(object);
  }
  return found;
}

void ReferenceProcessor::revive(const std::vector<uintptr_t>& objects) {
  ProfiledLock lock(mutex_, "lock: references");
  // Judged before one of them is marked: tiny objects that share a block die together, and have one
  // mark for all of them.
  std::vector<uintptr_t> dead;
  for (const uintptr_t object : objects) {
    if (!is_marked(object)) dead.push_back(object);
  }
  for (const uintptr_t object : dead) {
    const auto entry = finalizers_.find(object);
    if (entry == finalizers_.end()) continue;
    gc_->heap.marks.test_and_set(gc_->heap.findObject(object).base);
    ReadyCall call{.object = std::make_unique<PersistentSlot>(),
                   .finalizer = std::move(entry->second),
                   .cleanup = {},
                   .address = object};
    // Needs no barrier: it is marked, and so is all that it refers to.
    call.object->value = object;
    gc_->persistents.add(call.object.get());
    ready_.push_back(std::move(call));
    finalizers_.erase(entry);
  }
}

void ReferenceProcessor::finish() {
  ProfiledLock lock(mutex_, "lock: references");
  std::erase_if(weak_, [this](const auto& entry) { return !is_marked(address_of(entry.second)); });
  std::erase_if(ephemerons_,
                [this](const EphemeronCell* cell) { return !is_marked(address_of(cell)); });
  for (auto entry = cleanups_.begin(); entry != cleanups_.end();) {
    if (is_marked(entry->first)) {
      ++entry;
      continue;
    }
    for (Cleanup& cleanup : entry->second) {
      cleanup_objects_.erase(cleanup.id);
      ready_.push_back({.object = nullptr,
                        .finalizer = {},
                        .cleanup = std::move(cleanup.function),
                        .address = entry->first,
                        .cleanup_id = cleanup.id});
    }
    entry = cleanups_.erase(entry);
  }
  if (ready_.empty()) return;
  ready_changed_.notify_all();
  if (runner_ != nullptr) runner_->calls_are_due();
}

bool ReferenceProcessor::take_ready(ReadyCall* call) {
  const auto lock = lock_from_mutator();
  if (ready_.empty()) return false;
  *call = std::move(ready_.front());
  ready_.pop_front();
  ++running_;
  ++current_mutator()->running_calls;
  return true;
}

void ReferenceProcessor::finished() {
  const auto lock = lock_from_mutator();
  --current_mutator()->running_calls;
  if (--running_ == 0 && ready_.empty()) ready_changed_.notify_all();
}

void ReferenceProcessor::wait_idle() {
  ProfiledLock lock(mutex_, "lock: references");
  ready_changed_.wait(lock, [this] { return ready_.empty() && running_ == 0; });
}

void ReferenceProcessor::release(ReadyCall* call) {
  if (call->object == nullptr) return;
  gc_->persistents.remove(call->object.get());
  call->object.reset();
}

void ReferenceProcessor::wait_ready(const std::function<bool()>& stop) {
  ProfiledLock lock(mutex_, "lock: references");
  ready_changed_.wait(lock, [&] { return stop() || !ready_.empty(); });
}

void ReferenceProcessor::wake_waiters() {
  ProfiledLock lock(mutex_, "lock: references");
  ready_changed_.notify_all();
}

void ReferenceProcessor::set_runner(CallRunner* runner) {
  ProfiledLock lock(mutex_, "lock: references");
  runner_ = runner;
}

void ReferenceProcessor::forget_others() {
  size_t running = 0;
  gc_->world.for_each([&](const Mutator* mutator) { running += mutator->running_calls; });
  ProfiledLock lock(mutex_, "lock: references");
  running_ = running;
  if (runner_ != nullptr) runner_->forked();
}

}  // namespace greyhound::gc
