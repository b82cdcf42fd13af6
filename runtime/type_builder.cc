// SPDX-License-Identifier: MIT
#include "runtime/type_builder.h"

#include <algorithm>

#include "gc/mutator/mutator.h"
#include "runtime/base/platform.h"

namespace greyhound::runtime {

namespace {

constexpr size_t kNoPlace = ~size_t{0};
// Far above any heap, and far enough below the largest number for sums.
constexpr size_t kMaxTypeBytes = size_t{1} << 47;

bool is_alignment(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

}  // namespace

size_t TypeBuilder::refuse(const char* why) {
  if (error_.empty()) error_ = "field " + std::to_string(offsets_.size()) + ": " + why;
  return kNoPlace;
}

size_t TypeBuilder::place(const Type* type, size_t size, size_t count, size_t alignment) {
  if (!error_.empty()) return kNoPlace;
  if (!is_alignment(alignment)) return refuse("alignment is not a power of two");
  if (alignment > 16) return refuse("alignment is above 16 bytes");
  size_t bytes = 0;
  const size_t offset = align_up(end_, alignment);
  if (__builtin_mul_overflow(size, count, &bytes) || bytes > kMaxTypeBytes ||
      offset + bytes > kMaxTypeBytes) {
    return refuse("the type would be larger than any heap");
  }
  end_ = offset + bytes;
  alignment_ = std::max(alignment_, alignment);
  offsets_.push_back(offset);
  fields_.push_back({type, offset, count, type != nullptr});
  return offset;
}

void TypeBuilder::add_pointer(size_t offset, bool exact) {
  if (offset == kNoPlace) return;
  if (offset + kWordBytes > kMaxPointerTypeBytes) {
    refuse("a type with pointers is above 1 GiB; allocate an array of a smaller one");
    return;
  }
  const size_t word = offset / kWordBytes;
  if (word / 64 >= mask_.size()) mask_.resize(word / 64 + 1);
  mask_[word / 64] |= uint64_t{1} << (word % 64);
  ptrdata_ = std::max(ptrdata_, offset + kWordBytes);
  exact_ = exact_ && exact;
}

TypeBuilder& TypeBuilder::scalar(size_t size, size_t alignment) {
  place(nullptr, 1, size, alignment);
  return *this;
}

TypeBuilder& TypeBuilder::reference() {
  add_pointer(place(nullptr, 1, kWordBytes, kWordBytes), true);
  return *this;
}

TypeBuilder& TypeBuilder::interior() {
  add_pointer(place(nullptr, 1, kWordBytes, kWordBytes), false);
  return *this;
}

TypeBuilder& TypeBuilder::value(const Type& type) { return array(type, 1); }

TypeBuilder& TypeBuilder::array(const Type& type, size_t count) {
  if (const char* broken = verify_type(type); broken != nullptr) {
    refuse(broken);
    return *this;
  }
  const size_t offset = place(&type, type.size, count, type.align);
  if (offset == kNoPlace || type.noscan()) return *this;
  if (count != 0) add_pointer(offset + (count - 1) * type.size + type.ptrdata - kWordBytes, true);
  if (!error_.empty()) return *this;  // the last one is too far off
  // No managed object is looked at, so that a long description keeps nobody waiting.
  constexpr size_t kLong = 1 << 16;
  const size_t words = type.ptrdata / kWordBytes;
  gc::BlockingScope blocking(count * words > kLong ? gc::current_mutator_or_null() : nullptr,
                             "describing a type");
  for (size_t i = 0; i < count; ++i) {
    for (size_t word = 0; word < words; ++word) {
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

// Null, or what is wrong with the type as a whole.
const char* TypeBuilder::verify(const Type& type) const {
  if ((equal_ == nullptr) != (hasher_ == nullptr))
    return "equality() and hashing() are given both or neither";
  return verify_type(type);
}

std::unique_ptr<BuiltType> TypeBuilder::build(std::string* error) {
  auto built = std::make_unique<BuiltType>();
  built->name_ = name_;
  built->mask_ = mask_;
  built->offsets_ = offsets_;
  built->fields_ = fields_;
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
  type.fields = built->fields_.data();
  type.field_count = static_cast<uint32_t>(fields_.size());
  type.flags = flags_of_fields(type.fields, fields_.size(), type.size) |
               (ptrdata_ != 0 && exact_ ? kTypeExactPointers : 0);
  std::string broken = error_;
  if (const char* whole = verify(type); broken.empty() && whole != nullptr) broken = whole;
  if (broken.empty()) return built;
  if (error != nullptr) *error = "type '" + name_ + "': " + broken;
  return nullptr;
}

}  // namespace greyhound::runtime
