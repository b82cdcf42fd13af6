// SPDX-License-Identifier: MIT
#include "gc/weak/specials.h"

#include <algorithm>
#include <utility>

#include "gc/alloc/malloc.h"
#include "gc/bug.h"
#include "gc/cycle/collector.h"
#include "gc/mutator/pieces.h"
#include "gc/mutator/write_barrier.h"
#include "gc/watch/wait_profile.h"
#include "runtime/base/check.h"
#include "runtime/base/type_of.h"

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

std::unique_lock<std::mutex> Specials::lock_from_mutator() {
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
std::unique_lock<std::mutex> Specials::lock_with_room(List* list) {
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
bool Specials::is_marked(uintptr_t address) const {
  return collector_->heap.marks.test(collector_->heap.find_object(address).base);
}

// The list holds its cells weakly, so taking one from there may bring it back to life. It has no
// pointers, so its mark is all that this takes, whatever the phase.
WeakCell* Specials::taken(WeakCell* cell) {
  if (current_mutator()->shading()) collector_->heap.marks.test_and_set(address_of(cell));
  return cell;
}

WeakCell* Specials::weak_cell(void* object) {
  const uintptr_t target = address_of(object);
  // Waiting for the lock and allocating are safepoints, also where stacks are no roots.
  const RootedPair rooted(current_mutator(), object, nullptr);
  {
    const auto lock = lock_from_mutator();
    if (const auto found = weak_.find(target); found != weak_.end()) return taken(found->second);
  }
  // Not under the lock, which the collector needs.
  auto* cell = static_cast<WeakCell*>(newobject(type_of<WeakCell>()));
  if (cell == nullptr) return nullptr;
  const RootedPair of_cell(current_mutator(), cell, nullptr);
  const auto lock = lock_with_room(&weak_);
  WeakCell*& entry = weak_[target];
  if (entry != nullptr) return taken(entry);
  store_word(&cell->target, target);
  entry = cell;
  return cell;
}

EphemeronCell* Specials::ephemeron(void* key, void* value) {
  const RootedPair rooted(current_mutator(), key, value);
  auto* cell = static_cast<EphemeronCell*>(newobject(type_of<EphemeronCell>()));
  if (cell == nullptr) return nullptr;
  const RootedPair of_cell(current_mutator(), cell, nullptr);
  const auto lock = lock_with_room(&ephemerons_);
  // The pass over the ephemerons may be over while the cell and perhaps the key are black already.
  write_barrier(nullptr, value);
  store_word(&cell->key, address_of(key));
  store_word(&cell->value, address_of(value));
  ephemerons_.push_back(cell);
  return cell;
}

// What is replaced or cancelled here may hold anything, whose destructor may come back here or wait
// for the collector: it ends when the lock is let go of, the caller's argument after that.
void Specials::set_finalizer(void* object, Finalizer finalizer) {
  decltype(finalizers_)::node_type removed;
  const RootedPair rooted(current_mutator(), object, nullptr);
  const auto lock = lock_with_room(&finalizers_);
  if (finalizer) {
    finalizers_[address_of(object)].swap(finalizer);
  } else {
    removed = finalizers_.extract(address_of(object));
  }
}

uint64_t Specials::add_cleanup(const void* object, CleanupFunction cleanup) {
  const RootedPair rooted(current_mutator(), object, nullptr);
  // The other map may have grown once more meanwhile; it has as many entries at most.
  lock_with_room(&cleanups_);
  const auto lock = lock_with_room(&cleanup_objects_);
  const uint64_t id = ++last_cleanup_;
  cleanups_[address_of(object)].push_back({id, std::move(cleanup)});
  cleanup_objects_[id] = address_of(object);
  return id;
}

bool Specials::cancel_cleanup(uint64_t id) {
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

bool Specials::empty() {
  ProfiledLock lock(mutex_, "lock: specials");
  return weak_.empty() && ephemerons_.empty() && finalizers_.empty() && cleanups_.empty();
}

bool Specials::has_ephemerons() {
  ProfiledLock lock(mutex_, "lock: specials");
  return !ephemerons_.empty();
}

bool Specials::mark_ephemerons(Marker* marker) {
  if (bug(Bug::kEphemeronsSkipped)) return false;
  ProfiledLock lock(mutex_, "lock: specials");
  bool any = false;
  for (const EphemeronCell* cell : ephemerons_) {
    const uintptr_t value = load_word(&cell->value);
    if (value == 0 || !is_marked(address_of(cell)) || !is_marked(load_word(&cell->key))) continue;
    any |= marker->grey_root(value);
  }
  return any;
}

void Specials::clear_dead() {
  ProfiledLock lock(mutex_, "lock: specials");
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

std::vector<uintptr_t> Specials::finalizable() {
  ProfiledLock lock(mutex_, "lock: specials");
  std::vector<uintptr_t> found;
  for (const auto& [object, finalizer] : finalizers_) {
    if (!is_marked(object)) found.push_back(object);
  }
  return found;
}

void Specials::revive(const std::vector<uintptr_t>& objects) {
  ProfiledLock lock(mutex_, "lock: specials");
  // Judged before one of them is marked: tiny objects that share a block die together, and have one
  // mark for all of them.
  std::vector<uintptr_t> dead;
  for (const uintptr_t object : objects) {
    if (!is_marked(object)) dead.push_back(object);
  }
  for (const uintptr_t object : dead) {
    const auto entry = finalizers_.find(object);
    if (entry == finalizers_.end()) continue;
    collector_->heap.marks.test_and_set(collector_->heap.find_object(object).base);
    ReadyCall call{.object = std::make_unique<PersistentSlot>(),
                   .finalizer = std::move(entry->second),
                   .cleanup = {},
                   .address = object};
    // Needs no barrier: it is marked, and so is all that it refers to.
    call.object->value = object;
    collector_->persistents.add(call.object.get());
    ready_.push_back(std::move(call));
    finalizers_.erase(entry);
  }
}

void Specials::finish() {
  ProfiledLock lock(mutex_, "lock: specials");
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

bool Specials::take_ready(ReadyCall* call) {
  const auto lock = lock_from_mutator();
  if (ready_.empty()) return false;
  *call = std::move(ready_.front());
  ready_.pop_front();
  ++running_;
  ++current_mutator()->running_calls;
  return true;
}

void Specials::finished() {
  const auto lock = lock_from_mutator();
  --current_mutator()->running_calls;
  if (--running_ == 0 && ready_.empty()) ready_changed_.notify_all();
}

void Specials::wait_idle() {
  ProfiledLock lock(mutex_, "lock: specials");
  ready_changed_.wait(lock, [this] { return ready_.empty() && running_ == 0; });
}

void Specials::release(ReadyCall* call) {
  if (call->object == nullptr) return;
  collector_->persistents.remove(call->object.get());
  call->object.reset();
}

void Specials::wait_ready(const std::function<bool()>& stop) {
  ProfiledLock lock(mutex_, "lock: specials");
  ready_changed_.wait(lock, [&] { return stop() || !ready_.empty(); });
}

void Specials::wake_waiters() {
  ProfiledLock lock(mutex_, "lock: specials");
  ready_changed_.notify_all();
}

void Specials::set_runner(CallRunner* runner) {
  ProfiledLock lock(mutex_, "lock: specials");
  runner_ = runner;
}

void Specials::forget_others() {
  size_t running = 0;
  collector_->world.for_each([&](const Mutator* mutator) { running += mutator->running_calls; });
  ProfiledLock lock(mutex_, "lock: specials");
  running_ = running;
  if (runner_ != nullptr) runner_->forked();
}

}  // namespace greyhound::gc
