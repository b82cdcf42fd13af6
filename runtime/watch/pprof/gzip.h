// SPDX-License-Identifier: MIT
// A profile's compression, by zlib.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace greyhound::pprof {

std::string gzip(const std::string& bytes);
// All members of a gzip file, one after the other. Throws FormatError when they are damaged or cut
// short, unpack to more than `most` bytes, or something else follows them.
std::string gunzip(std::string_view packed, size_t most = size_t{1} << 30);
bool is_gzip(std::string_view bytes);

}  // namespace greyhound::pprof
