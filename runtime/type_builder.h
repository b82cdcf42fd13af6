// SPDX-License-Identifier: MIT
// Type descriptors built at run time, for languages whose types are not C++ types.
//
//   TypeBuilder builder("Point");
//   builder.scalar(8, 8).reference();         // an int64 field, then a Ref-like field
//   std::unique_ptr<BuiltType> point = builder.build();
//   void* p = gc::newobject(point->type());
//
// The BuiltType must outlive every runtime that allocated with it. Builders are for one thread;
// built types are immutable and for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/type.h"

namespace greyhound::runtime {

class BuiltType {
 public:
  const Type* type() const { return &type_; }
  // The byte offset of the i-th field that was added.
  size_t offset(size_t field) const { return offsets_[field]; }

 private:
  friend class TypeBuilder;
  Type type_;
  std::string name_;
  std::vector<uint64_t> mask_;
  std::vector<size_t> offsets_;
};

class TypeBuilder {
 public:
  explicit TypeBuilder(std::string name) : name_(std::move(name)) {}

  // A field of `size` bytes without pointers. REQUIRES: alignment a power of two, at most 16.
  TypeBuilder& scalar(size_t size, size_t alignment);
  // A word that holds null or the base of an object, as a Ref.
  TypeBuilder& reference();
  // A word that may point anywhere inside an object, as an InteriorRef.
  TypeBuilder& interior();
  // A value of `type`, with its pointers.
  TypeBuilder& value(const Type& type);
  // `count` values of `type`.
  TypeBuilder& array(const Type& type, size_t count);

  TypeBuilder& equality(bool (*equal)(const void*, const void*));
  TypeBuilder& hashing(uint64_t (*hasher)(const void*, uint64_t));

  // Null, with a sentence in *error, when the fields make no valid type.
  std::unique_ptr<BuiltType> build(std::string* error = nullptr);

 private:
  size_t place(size_t size, size_t alignment);
  void add_pointer(size_t offset, bool exact);

  std::string name_;
  std::vector<uint64_t> mask_;
  std::vector<size_t> offsets_;
  size_t end_ = 0;
  size_t alignment_ = 1;
  size_t ptrdata_ = 0;
  bool exact_ = true;
  bool (*equal_)(const void*, const void*) = nullptr;
  uint64_t (*hasher_)(const void*, uint64_t) = nullptr;
};

}  // namespace greyhound::runtime
