// SPDX-License-Identifier: MIT
// tools/check-citations refuses each kind of citation of what is not there, and takes what is.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/tools/command.h"

namespace greyhound {
namespace {

using testing::Output;
using testing::run_line;

// A small tree in which everything that a citation can name is there once.
class CitationTree {
 public:
  CitationTree() : root_(testing::temporary_path("-citations")) {
    write("docs/protocol.md",
          "## 1. Barrier first\n\nModel: `sweep` cache-kept.\nFaults: AllocateWhite.\n");
    write("docs/claims.md", "| 47 | a bool has a header | none | false | X1 |\n");
    write("gc/bug.h", "enum Bug {\n  kAllocateWhite = 3,\n};\n");
    write("gc/heap/heap.h", "//  1. Spans are never unmapped.\nint findObject();\n");
    write("tests/model/sweep.pml", " *   RUN refuted  cache-kept  -DCACHE_KEPT\n");
    write("tests/gc/heap_test.cc", "TEST_F(HeapTest, FindsObjects) {}\n");
    write("tools/lab.cc", "{\"X1\"}\n");
  }
  ~CitationTree() { std::filesystem::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  Output check() const {
    return run_line("'" GREYHOUND_SOURCE_DIR "/tools/check-citations' --root '" + root_.string() +
                    "'");
  }

 private:
  const std::filesystem::path root_;
};

struct Citation {
  const char* kind;
  const char* file;
  const char* good;
  const char* bad;
  const char* says;
};
void PrintTo(const Citation& row, std::ostream* out) { *out << row.bad; }

class Citations : public ::testing::TestWithParam<Citation> {};

TEST_P(Citations, PassWhenWhatTheyNameIsThere) {
  const CitationTree tree;
  tree.write(GetParam().file, GetParam().good);
  const Output output = tree.check();
  EXPECT_EQ(output.status, 0) << output.out << output.err;
}

TEST_P(Citations, FailWhenItIsNot) {
  const CitationTree tree;
  tree.write(GetParam().file, GetParam().bad);
  const Output output = tree.check();
  EXPECT_EQ(output.status, 1) << output.err;
  EXPECT_NE(output.out.find(std::string(GetParam().file) + ":"), std::string::npos) << output.out;
  EXPECT_NE(output.out.find(GetParam().says), std::string::npos) << output.out;
  EXPECT_NE(output.out.find(", 1 of what is not there"), std::string::npos) << output.out;
}

INSTANTIATE_TEST_SUITE_P(
    All, Citations,
    ::testing::Values(
        Citation{"Rule", "gc/a.h", "// As rule 1 says.\n", "// As rules 1 and 14 say.\n",
                 "no rule (in docs/protocol.md) 14"},
        Citation{"RuleOfAScript", "tools/a.py", "# rule 1\n", "# rule 99\n", "99"},
        Citation{"Fault", "gc/a.cc", "int a;  // fault 3 shows it\n",
                 "// fault 4"
                 "7 shows it\n",
                 "no planted fault 47"},
        Citation{"Invariant", "gc/a.h", "// heap.h, invariant 1\n", "// heap.h, invariant 2\n",
                 "gc/heap/heap.h has no invariant 2"},
        Citation{"Row", "docs/claims.md", "| 47 | as row 47 |\n", "| 47 | as row 46 |\n",
                 "no row 46"},
        Citation{"Experiment", "a.md", "X1 shows it, and (X2) will.\n", "X2 shows it.\n",
                 "no experiment X2"},
        Citation{"File", "gc/a.cc", "// see heap.h\n", "// see heaps.h\n", "no file heaps.h"},
        Citation{"FileOfAPage", "a.md", "`gc/heap/heap.h`\n", "`gc/heaps.h`\n",
                 "no file gc/heaps.h"},
        Citation{"Folder", "a.md", "in tests/model/\n", "in tests/models/\n", "no tests/models"},
        Citation{"Program", "gc/a.h", "// run by tools/lab\n", "// run by tools/laboratory\n",
                 "no tools/laboratory"},
        Citation{"Symbol", "gc/a.h", "// heap.h: findObject\n", "// heap.h: find_objects\n",
                 "heap.h has no find_objects"},
        Citation{"SymbolOfAPage", "a.md", "`gc/heap/heap.h: findObject`\n",
                 "`gc/heap/heap.h: find`\n", "gc/heap/heap.h has no find"},
        Citation{"Test", "a.md", "`HeapTest.FindsObjects`, `HeapTest.*`\n", "`HeapTest.Finds`\n",
                 "no test HeapTest.Finds"},
        Citation{"Link", "a.md", "[the rules](docs/protocol.md)\n", "[the rules](docs/rules)\n",
                 "the link to docs/rules"},
        Citation{"Heading", "a.md", "[one](docs/protocol.md#1-barrier-first)\n",
                 "[one](docs/protocol.md#1-barrier)\n", "no heading #1-barrier"},
        Citation{"NamedFault", "docs/protocol.md", "## 1. B\nFaults: AllocateWhite.\n",
                 "## 1. B\nFaults: AllocateWhite,\nAllocateGrey.\n",
                 "no planted fault AllocateGrey"},
        Citation{"Variant", "docs/protocol.md", "## 1. B\nModel: `sweep` cache-kept.\n",
                 "## 1. B\nModel: `sweep` cache-lost.\n", "sweep has no variant cache-lost"}),
    [](const auto& row) { return std::string(row.param.kind); });

TEST(CitationsOfAPage, AreNotLookedForInItsBlocks) {
  const CitationTree tree;
  tree.write("a.md", "```\nrule 99 of gc/nothing.h\n```\n");
  EXPECT_EQ(tree.check().status, 0);
}

}  // namespace
}  // namespace greyhound
