// SPDX-License-Identifier: MIT
// A profile's compression, by zlib.
#pragma once

#include <string>
#include <string_view>

namespace greyhound::pprof {

std::string gzip(const std::string& bytes);
// Of gzip's format or zlib's. Throws FormatError when it is damaged or unpacks to more than 1 GiB.
std::string gunzip(std::string_view packed);
bool is_gzip(std::string_view bytes);

}  // namespace greyhound::pprof
