// SPDX-License-Identifier: MIT
// Names of Rust's functions from their symbols: the v0 mangling (RFC 2603), and what the older one
// adds to names that C++'s demangler has read. Without hashes and crate disambiguators, and of
// generic arguments only the brackets, as google/pprof shows them. Work and length are bounded,
// whatever the symbol. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace greyhound::pprof {

// Of "_RNvNtCs1234_7mycrate3foo3bar": "mycrate::foo::bar". None for what is no such symbol.
std::optional<std::string> demangle_rust(std::string_view symbol);

// Of "core::fmt::Write$LT$T$GT$::write_str::h0123456789abcdef": "core::fmt::Write<T>::write_str".
// None when it does not end in such a hash.
std::optional<std::string> without_rust_hash(std::string_view name);

}  // namespace greyhound::pprof
