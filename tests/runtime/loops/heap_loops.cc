// SPDX-License-Identifier: MIT
// Each loop reads and writes after the call in its body, so that its object must live until the
// last one is over. They fill their slots: one past the end is somebody else's memory.
#include "tests/runtime/loops/heap_loops.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "runtime/greyhound.h"

// One of the functions that heap_loops.h declares.
#ifndef GREYHOUND_LOOPS
#define GREYHOUND_LOOPS at_o2
#endif

namespace greyhound::loops {
namespace {

using Word = int64_t;
struct Point {
  Word x, y, z;
};
struct Row {
  std::array<Word, 12> cell;
};
struct Columns {
  std::array<Word, 32> x, y, z;
};

using runtime::keep_alive;

Word* words(void* object) { return static_cast<Word*>(object); }
std::span<Word> span_of(void* object, long n) { return {words(object), static_cast<size_t>(n)}; }
Word step(Word value) { return heap_loops_step(value); }

// --- by index and by pointer, forward
void forward(void* a, void*, long n) {
  for (long i = 0; i < n; ++i) words(a)[i] += step(i);
}
void forward_by_pointer(void* a, void*, long n) {
  for (Word *p = words(a), *end = p + n; p != end; ++p) *p = step(*p);
}
void forward_by_post_increment(void* a, void*, long n) {
  Word* p = words(a);
  while (n-- > 0) {
    const Word value = *p++;
    p[-1] = step(value);
  }
}
void forward_unsigned(void* a, void*, long n) {
  for (unsigned i = 0; i < static_cast<unsigned>(n); ++i) words(a)[i] = step(words(a)[i]);
}
void prefix_sums(void* a, void*, long n) {
  for (long i = 1; i < n; ++i) words(a)[i] += step(words(a)[i]) + words(a)[i - 1];
}
void windows(void* a, void*, long n) {
  for (long i = 1; i + 1 < n; ++i) {
    const Word value = step(words(a)[i]);
    words(a)[i - 1] += value;
    words(a)[i + 1] += value;
  }
}
void from_the_end(void* a, void*, long n) {
  Word* end = words(a) + n;
  for (long i = -n; i != 0; ++i) end[i] = step(end[i]);
}
void from_the_end_backward(void* a, void*, long n) {
  Word* end = words(a) + n;
  for (long i = 1; i <= n; ++i) end[-i] = step(end[-i]);
}
void only_the_last(void* a, void*, long n) {
  const Word value = step(n);
  words(a)[n - 1] = value;
}

// --- backward
void backward(void* a, void*, long n) {
  for (long i = n; i-- > 0;) words(a)[i] = step(words(a)[i]);
}
void backward_by_pointer(void* a, void*, long n) {
  for (Word* p = words(a) + n; p != a;) {
    --p;
    *p = step(*p);
  }
}
void backward_by_subtraction(void* a, void*, long n) {
  for (long i = 0; i < n; ++i) {
    const Word value = step(i);
    words(a)[n - 1 - i] = value;
  }
}
void from_both_ends(void* a, void*, long n) {
  for (long i = 0, j = n - 1; i < j; ++i, --j) {
    const Word low = step(words(a)[i]);
    const Word high = step(words(a)[j]);
    words(a)[i] = high;
    words(a)[j] = low;
  }
}

// --- in steps
void every_fourth(void* a, void*, long n) {
  for (long i = 3; i < n; i += 4) words(a)[i] = step(words(a)[i]);
}
void every_fifth(void* a, void*, long n) {
  for (long i = 0; i < n; i += 5) words(a)[i] = step(words(a)[i]);
}
void in_pairs_backward(void* a, void*, long n) {
  for (long i = n - 2; i >= 0; i -= 2) {
    const Word value = step(i);
    words(a)[i] = value;
    words(a)[i + 1] = value;
  }
}
void by_columns(void* a, void*, long n) {
  for (long column = 0; column < 8; ++column) {
    for (long row = 0; row < n / 8; ++row) words(a)[row * 8 + column] = step(row);
  }
}
void unrolled(void* a, void*, long n) {
  for (long i = 0; i + 3 < n; i += 4) {
    words(a)[i] = step(1);
    words(a)[i + 1] = step(2);
    words(a)[i + 2] = step(3);
    words(a)[i + 3] = step(4);
  }
}

// --- structs
template <Word Point::*kRead, Word Point::*kWrite>
void points(void* a, void*, long n) {
  auto* p = static_cast<Point*>(a);
  for (long i = 0; i < n; ++i) {
    const Word value = step(p[i].*kRead);
    p[i].*kWrite = value;
  }
}
template <Word Point::*kField>
void points_unread(void* a, void*, long n) {
  auto* p = static_cast<Point*>(a);
  for (long i = 0; i < n; ++i) {
    const Word value = step(1);
    p[i].*kField = value;
  }
}
template <Word Point::*kField>
void points_backward(void* a, void*, long n) {
  auto* p = static_cast<Point*>(a);
  for (long i = n; i-- > 0;) {
    const Word value = step(p[i].*kField);
    p[i].*kField = value;
  }
}
void every_second_point(void* a, void*, long n) {
  auto* p = static_cast<Point*>(a);
  for (long i = 0; i < n; i += 2) {
    const Word value = step(p[i].z);
    p[i].z = value;
    p[i].y = value;
  }
}
void a_span_of_rows(void* a, void*, long n) {
  for (Row& row : std::span<Row>(static_cast<Row*>(a), static_cast<size_t>(n))) {
    const Word value = step(1);
    row.cell[11] = value;
  }
}
void rows_backward(void* a, void*, long n) {
  auto* rows = static_cast<Row*>(a);
  for (long i = n; i-- > 0;) {
    const Word value = step(1);
    rows[i].cell[5] = value;
  }
}
void columns(void* a, void*, long n) {
  auto* c = static_cast<Columns*>(a);
  for (long i = 0; i < n; ++i) {
    const Word value = step(i);
    c->x[static_cast<size_t>(i)] = value;
    c->z[static_cast<size_t>(i)] += value;
  }
}
void columns_backward(void* a, void*, long n) {
  auto* c = static_cast<Columns*>(a);
  for (long i = n; i-- > 0;) {
    const Word value = step(i);
    c->x[static_cast<size_t>(i)] = value;
    c->y[static_cast<size_t>(i)] += value;
  }
}

// --- the library's
void range_for(void* a, void*, long) {
  Word sum = 0;
  for (Word& x : *static_cast<std::array<Word, 128>*>(a)) {
    sum += step(x);
    x = sum;
  }
}
void span_for(void* a, void*, long n) {
  for (Word& x : span_of(a, n)) {
    const Word value = step(1);
    x = value;
  }
}
void span_that_shrinks(void* a, void*, long n) {
  for (std::span<Word> s = span_of(a, n); !s.empty(); s = s.subspan(1)) {
    const Word value = step(1);
    s.front() = value;
  }
}
void span_that_shrinks_behind(void* a, void*, long n) {
  for (std::span<Word> s = span_of(a, n); !s.empty(); s = s.first(s.size() - 1)) {
    const Word value = step(1);
    s.back() = value;
  }
}
void reverse_iterators(void* a, void*, long n) {
  const std::span<Word> s = span_of(a, n);
  for (auto it = s.rbegin(); it != s.rend(); ++it) *it = step(*it);
}
void transform(void* a, void*, long n) { std::transform(words(a), words(a) + n, words(a), step); }
void transform_backward(void* a, void*, long n) {
  const std::span<Word> s = span_of(a, n);
  std::transform(s.rbegin(), s.rend(), s.rbegin(), step);
}
void generate(void* a, void*, long n) {
  std::generate(words(a), words(a) + n, [] { return step(1); });
}
void generate_backward(void* a, void*, long n) {
  const std::span<Word> s = span_of(a, n);
  std::generate(s.rbegin(), s.rend(), [] { return step(1); });
}
void for_each(void* a, void*, long n) {
  std::for_each(words(a), words(a) + n, [](Word& x) { x = step(x); });
}
void accumulate(void* a, void*, long n) {
  const auto add = [](Word sum, Word x) { return sum + step(x); };
  words(a)[n - 1] = std::accumulate(words(a), words(a) + n, Word{0}, add);
}
void partial_sum(void* a, void*, long n) {
  std::partial_sum(words(a), words(a) + n, words(a), [](Word s, Word x) { return s + step(x); });
}
void remove_if(void* a, void*, long n) {
  Word* kept = std::remove_if(words(a), words(a) + n, [](Word x) { return step(x) % 2 == 0; });
  std::fill(kept, words(a) + n, 0);
}
void sort(void* a, void*, long n) {
  std::sort(words(a), words(a) + n, [](Word x, Word y) { return step(x) < step(y); });
}

// --- two objects
void both(void* a, void* b, long n) {
  for (long i = 0; i < n; ++i) {
    const Word value = step(i);
    words(a)[i] += value;
    words(b)[i] -= value;
  }
}
void both_backward(void* a, void* b, long n) {
  for (long i = n; i-- > 0;) {
    const Word value = step(i);
    words(a)[i] += value;
    words(b)[i] -= value;
  }
}
void both_by_pointer(void* a, void* b, long n) {
  for (Word *p = words(a), *q = words(b), *end = p + n; p != end;) {
    const Word value = step(*p);
    *p++ = value;
    *q++ = value;
  }
}
void in_opposite_directions(void* a, void* b, long n) {
  for (long i = 0; i < n; ++i) {
    const Word value = step(words(a)[i]);
    words(a)[i] = value;
    words(b)[n - 1 - i] = value;
  }
}
void transform_both(void* a, void* b, long n) {
  const auto add = [](Word x, Word y) { return step(x) + y; };
  std::transform(words(a), words(a) + n, words(b), words(b), add);
}

// --- bytes
void bytes(void* a, void*, long n) {
  for (auto *p = static_cast<char*>(a), *end = p + n; p != end;) {
    const auto value = static_cast<char>(step(1));
    *p++ = value;
  }
}
void digits(void* a, void*, long n) {
  auto* first = static_cast<char*>(a);
  Word value = 1234567;
  for (char* p = first + n; p != first;) {
    *--p = static_cast<char>('0' + value % 10);
    value = step(value / 10) & 0xffffff;
  }
}

// --- far away: with an index that does not begin at 0, GCC keeps the address that index 0 would
// have; in large steps a pointer leaves the object by as much.
[[gnu::noinline]] void shifted_from(Word* a, long first, long n) {
  for (long i = first; i < first + n; ++i) {
    const Word value = step(i);
    a[i - first] = value;
  }
}
void shifted(void* a, void*, long n) { shifted_from(words(a), 100'000, n); }
[[gnu::noinline]] void shifted_and_kept(Word* a, long first, long n) {
  for (long i = first; i < first + n; ++i) {
    const Word value = step(i);
    a[i - first] = value;
  }
  keep_alive(a);
}
void shifted_kept(void* a, void*, long n) { shifted_and_kept(words(a), 100'000, n); }
void wide_columns(void* a, void*, long n) {
  for (long column = 0; column < 32; ++column) {
    for (long row = 0; row < n / 32; ++row) {
      const Word value = step(row);
      words(a)[row * 32 + column] = value;
    }
  }
}
void wide_columns_kept(void* a, void*, long n) {
  wide_columns(a, nullptr, n);
  keep_alive(a);
}

constexpr size_t kBytes = 1024;
constexpr long kWords = kBytes / sizeof(Word);
// 40 KiB, five pages.
constexpr size_t kLarge = 40 << 10;

#define GREYHOUND_LOOP(name) \
  { #name, name, kBytes, kWords }
const Loop kLoops[] = {
    GREYHOUND_LOOP(forward),
    GREYHOUND_LOOP(forward_by_pointer),
    GREYHOUND_LOOP(forward_by_post_increment),
    GREYHOUND_LOOP(forward_unsigned),
    GREYHOUND_LOOP(prefix_sums),
    GREYHOUND_LOOP(windows),
    GREYHOUND_LOOP(from_the_end),
    GREYHOUND_LOOP(from_the_end_backward),
    GREYHOUND_LOOP(only_the_last),
    GREYHOUND_LOOP(backward),
    GREYHOUND_LOOP(backward_by_pointer),
    GREYHOUND_LOOP(backward_by_subtraction),
    GREYHOUND_LOOP(from_both_ends),
    GREYHOUND_LOOP(every_fourth),
    GREYHOUND_LOOP(every_fifth),
    GREYHOUND_LOOP(in_pairs_backward),
    GREYHOUND_LOOP(by_columns),
    GREYHOUND_LOOP(unrolled),
    GREYHOUND_LOOP(range_for),
    GREYHOUND_LOOP(span_for),
    GREYHOUND_LOOP(span_that_shrinks),
    GREYHOUND_LOOP(span_that_shrinks_behind),
    GREYHOUND_LOOP(reverse_iterators),
    GREYHOUND_LOOP(transform),
    GREYHOUND_LOOP(transform_backward),
    GREYHOUND_LOOP(generate),
    GREYHOUND_LOOP(generate_backward),
    GREYHOUND_LOOP(for_each),
    GREYHOUND_LOOP(accumulate),
    GREYHOUND_LOOP(partial_sum),
    GREYHOUND_LOOP(remove_if),
    {"both", both, kBytes, kWords, 2},
    {"both_backward", both_backward, kBytes, kWords, 2},
    {"both_by_pointer", both_by_pointer, kBytes, kWords, 2},
    {"in_opposite_directions", in_opposite_directions, kBytes, kWords, 2},
    {"transform_both", transform_both, kBytes, kWords, 2},
    GREYHOUND_LOOP(shifted_kept),
    GREYHOUND_LOOP(wide_columns_kept),
#undef GREYHOUND_LOOP
    {"sort", sort, 256, 32},
    {"a_point's_x", points_unread<&Point::x>, 384, 16},
    {"a_point's_y", points_unread<&Point::y>, 384, 16},
    {"a_point's_z", points_unread<&Point::z>, 384, 16},
    {"x_to_x", points<&Point::x, &Point::x>, 384, 16},
    {"x_to_z", points<&Point::x, &Point::z>, 384, 16},
    {"z_to_x", points<&Point::z, &Point::x>, 384, 16},
    {"z_to_z", points<&Point::z, &Point::z>, 384, 16},
    {"x_backward", points_backward<&Point::x>, 384, 16},
    {"z_backward", points_backward<&Point::z>, 384, 16},
    {"z_of_one_backward", points_backward<&Point::z>, 24, 1},
    {"every_second_point", every_second_point, 15 * 24, 15},
    {"a_span_of_rows", a_span_of_rows, 768, 8},
    {"rows_backward", rows_backward, 768, 8},
    {"columns", columns, 768, 32},
    {"columns_backward", columns_backward, 768, 32},
    {"bytes", bytes, 128, 128},
    {"digits", digits, 16, 16},
    {"one_word_backward", backward, 8, 1},
    {"large_by_pointer", forward_by_pointer, kLarge, kLarge / sizeof(Word)},
    {"large_span", span_for, kLarge, kLarge / sizeof(Word)},
    {"large_backward", backward_by_subtraction, kLarge, kLarge / sizeof(Word)},
    {"large_from_the_end", from_the_end, kLarge, kLarge / sizeof(Word)},
    {"large_both", both_by_pointer, kLarge, kLarge / sizeof(Word), 2},
    {"shifted", shifted, kBytes, kWords, 1, true},
    {"wide_columns", wide_columns, kBytes, kWords, 1, true},
};

}  // namespace

std::span<const Loop> GREYHOUND_LOOPS() { return kLoops; }

}  // namespace greyhound::loops
