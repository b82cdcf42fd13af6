// SPDX-License-Identifier: MIT
#include "runtime/type_builder.h"

#include <algorithm>

#include "gc/mutator.h"
#include "runtime/base/platform.h"

namespace greyhound::runtime {

size_t TypeBuilder::place(size_t size, size_t alignment) {
  const size_t offset = align_up(end_, alignment);
  end_ = offset + size;
  alignment_ = std::max(alignment_, alignment);
  offsets_.push_back(offset);
  return offset;
}

void TypeBuilder::add_pointer(size_t offset, bool exact) {
  const size_t word = offset / kWordBytes;
  if (word / 64 >= mask_.size()) mask_.resize(word / 64 + 1);
  mask_[word / 64] |= uint64_t{1} << (word % 64);
  ptrdata_ = std::max(ptrdata_, offset + kWordBytes);
  exact_ = exact_ && exact;
}

TypeBuilder& TypeBuilder::scalar(size_t size, size_t alignment) {
  place(size, alignment);
  return *this;
}

TypeBuilder& TypeBuilder::reference() {
  add_pointer(place(kWordBytes, kWordBytes), true);
  return *this;
}

TypeBuilder& TypeBuilder::interior() {
  add_pointer(place(kWordBytes, kWordBytes), false);
  return *this;
}

TypeBuilder& TypeBuilder::value(const Type& type) { return array(type, 1); }

TypeBuilder& TypeBuilder::array(const Type& type, size_t count) {
  const size_t offset = place(type.size * count, type.align);
  if (type.ptrdata == 0) return *this;
  // No managed object is looked at, so that a long description keeps nobody waiting.
  constexpr size_t kLong = 1 << 16;
  gc::BlockingScope blocking(count > kLong ? gc::current_mutator_or_null() : nullptr,
                             "describing a type");
  for (size_t i = 0; i < count; ++i) {
    for (size_t word = 0; word < type.ptrdata / kWordBytes; ++word) {
      if (type.is_pointer_word(word))
        add_pointer(offset + i * type.size + word * kWordBytes, type.exact());
    }
  }
  return *this;
}

TypeBuilder& TypeBuilder::equality(bool (*equal)(const void*, const void*)) {
  equal_ = equal;
  return *this;
}

TypeBuilder& TypeBuilder::hashing(uint64_t (*hasher)(const void*, uint64_t)) {
  hasher_ = hasher;
  return *this;
}

std::unique_ptr<BuiltType> TypeBuilder::build(std::string* error) {
  auto built = std::make_unique<BuiltType>();
  built->name_ = name_;
  built->mask_ = mask_;
  built->offsets_ = offsets_;
  Type& type = built->type_;
  type.size = align_up(end_, alignment_);
  type.ptrdata = ptrdata_;
  type.ptrmask = ptrdata_ == 0 ? nullptr : built->mask_.data();
  type.equal = equal_;
  type.hasher = hasher_;
  type.name = built->name_.c_str();
  for (char c : name_) type.hash = (type.hash ^ static_cast<uint8_t>(c)) * 16777619u;
  type.align = static_cast<uint8_t>(alignment_);
  type.kind = Kind::kStruct;
  type.flags = ptrdata_ != 0 && exact_ ? kTypeExactPointers : 0;
  if (const char* broken = verify_type(type); broken != nullptr) {
    if (error != nullptr) *error = "type '" + name_ + "': " + broken;
    return nullptr;
  }
  return built;
}

}  // namespace greyhound::runtime
