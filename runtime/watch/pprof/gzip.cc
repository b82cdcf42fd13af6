// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/gzip.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <new>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {
namespace {

constexpr int kGzip = 15 + 16;

void inflate_member(z_stream* stream, std::string* bytes, size_t most) {
  std::array<char, 1 << 16> piece;
  int status = Z_OK;
  while (status == Z_OK) {
    stream->next_out = reinterpret_cast<Bytef*>(piece.data());
    stream->avail_out = piece.size();
    status = inflate(stream, Z_NO_FLUSH);
    bytes->append(piece.data(), piece.size() - stream->avail_out);
    if (bytes->size() > most)
      throw FormatError("it unpacks to more than " + std::to_string(most >> 20) + " MiB");
    if (status == Z_BUF_ERROR ||
        (status == Z_OK && stream->avail_in == 0 && stream->avail_out != 0))
      throw FormatError("it is cut short");
  }
  if (status != Z_STREAM_END) throw FormatError("its compressed data is damaged");
}

// REQUIRES: there are bytes after a member.
void expect_member(const z_stream& stream) {
  const std::string_view rest(reinterpret_cast<const char*>(stream.next_in), stream.avail_in);
  if (is_gzip(rest)) return;
  throw FormatError("after its compressed data stand " + std::to_string(rest.size()) +
                    " bytes that are none of it");
}

}  // namespace

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    throw std::bad_alloc();
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::bad_alloc();
  return packed;
}

std::string gunzip(std::string_view packed, size_t most) {
  z_stream stream{};
  if (packed.size() > most)
    throw FormatError("it is larger than " + std::to_string(most >> 20) + " MiB");
  if (inflateInit2(&stream, kGzip) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ending(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  do {
    // What is joined by cat, or written by who appends, is unpacked as one: RFC 1952.
    inflate_member(&stream, &bytes, most);
    if (stream.avail_in != 0) expect_member(stream);
  } while (stream.avail_in != 0 && inflateReset(&stream) == Z_OK);
  return bytes;
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace greyhound::pprof
