// SPDX-License-Identifier: MIT
// Type descriptors built at run time, for languages whose types are not C++ types.
//
//   TypeBuilder builder("Point");
//   builder.scalar(8, 8).reference();         // an int64 field, then a Ref-like field
//   std::unique_ptr<BuiltType> point = builder.build();
//   void* p = gc::newobject(point->type());
//
// Values are compared field by field, as those of C++ types are: scalars by their bytes (give a
// float as value(*type_of<double>())), pointers as words. A built type is one with no other,
// whatever it is called.
//
// The BuiltType must outlive every runtime that allocated with it, and so must the types that it
// has values of. Builders are for one thread; built types are immutable and for all.
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
  std::vector<TypeField> fields_;
};

class TypeBuilder {
 public:
  explicit TypeBuilder(std::string name) : name_(std::move(name)) {}

  // A field of `size` bytes without pointers. The alignment is a power of two, at most 16.
  TypeBuilder& scalar(size_t size, size_t alignment);
  // A word that holds null or the base of an object, as a Ref.
  TypeBuilder& reference();
  // A word that may point anywhere inside an object, as an InteriorRef.
  TypeBuilder& interior();
  // A value of `type`, with its pointers.
  TypeBuilder& value(const Type& type);
  // `count` values of `type`.
  TypeBuilder& array(const Type& type, size_t count);

  // In place of what follows from the fields; both or neither.
  TypeBuilder& equality(bool (*equal)(const void*, const void*));
  TypeBuilder& hashing(uint64_t (*hasher)(const void*, uint64_t));

  // Null, with a sentence in *error, when the fields make no valid type: the first that did not.
  std::unique_ptr<BuiltType> build(std::string* error = nullptr);

 private:
  // The field's offset, or kNoPlace.
  size_t place(const Type* type, size_t size, size_t count, size_t alignment);
  void add_pointer(size_t offset, bool exact);
  size_t refuse(const char* why);
  const char* verify(const Type& type) const;

  std::string name_;
  std::vector<uint64_t> mask_;
  std::vector<size_t> offsets_;
  std::vector<TypeField> fields_;
  std::string error_;  // what was wrong with the first field that was
  size_t end_ = 0;
  size_t alignment_ = 1;
  size_t ptrdata_ = 0;
  bool exact_ = true;
  bool (*equal_)(const void*, const void*) = nullptr;
  uint64_t (*hasher_)(const void*, uint64_t) = nullptr;
};

}  // namespace greyhound::runtime
