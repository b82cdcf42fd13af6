// SPDX-License-Identifier: MIT
#include "tools/common/text_table.h"

#include <algorithm>
#include <utility>

#include "tools/common/terminal.h"

namespace greyhound::lab {
namespace {

constexpr size_t kIndent = 2;
constexpr size_t kLabelColumns = 10;

std::string padded(std::string_view text, size_t width, bool left) {
  const std::string space(width - std::min(width, text_width(text)), ' ');
  return left ? std::string(text) + space : space + std::string(text);
}

size_t column_width(const TableColumn& column) {
  size_t width = std::max(text_width(column.head[0]), text_width(column.head[1]));
  for (const std::string& cell : column.cells) width = std::max(width, text_width(cell));
  return width;
}

// A run of columns of one group is at least as wide as the group's name.
std::vector<size_t> column_widths(const std::vector<TableColumn>& columns) {
  std::vector<size_t> widths;
  for (const TableColumn& column : columns) widths.push_back(column_width(column));
  for (size_t first = 0, end = 0; first < columns.size(); first = end) {
    size_t width = 0;
    for (end = first; end < columns.size() && columns[end].group == columns[first].group; ++end) {
      width += widths[end] + (end == first ? 0 : 2);
    }
    const size_t wanted = text_width(columns[first].group);
    if (width < wanted) widths[first] += wanted - width;
  }
  return widths;
}

std::string separator(const std::vector<TableColumn>& columns, size_t i) {
  if (i == 0) return std::string(kIndent, ' ');
  return columns[i].group == columns[i - 1].group || i == 1 ? "  " : " | ";
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

template <class Cell>
std::string line_of(const std::vector<TableColumn>& columns, const std::vector<size_t>& widths,
                    Cell cell) {
  std::string line;
  for (size_t i = 0; i < columns.size(); ++i)
    line += separator(columns, i) + padded(cell(i), widths[i], i == 0);
  return trimmed(std::move(line));
}

// Each group's name over the start of its columns.
std::string group_line(const std::vector<TableColumn>& columns, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < columns.size();) {
    line += separator(columns, i);
    size_t width = widths[i], end = i + 1;
    for (; end < columns.size() && columns[end].group == columns[i].group; ++end)
      width += widths[end] + 2;
    line += padded(columns[i].group, width, true);
    i = end;
  }
  return trimmed(std::move(line));
}

std::vector<std::string> one_table(const std::vector<TableColumn>& columns) {
  const std::vector<size_t> widths = column_widths(columns);
  std::vector<std::string> lines = {group_line(columns, widths)};
  for (int row = 0; row < 2; ++row) {
    lines.push_back(line_of(columns, widths,
                            [&](size_t i) -> const std::string& { return columns[i].head[row]; }));
  }
  for (size_t row = 0; row < columns[0].cells.size(); ++row) {
    lines.push_back(line_of(columns, widths,
                            [&](size_t i) -> const std::string& { return columns[i].cells[row]; }));
  }
  return lines;
}

bool append_if_fits(const std::vector<TableColumn>& more, size_t page,
                    std::vector<TableColumn>* table) {
  std::vector<TableColumn> both = *table;
  both.insert(both.end(), more.begin(), more.end());
  const std::vector<std::string> lines = one_table(both);
  if (std::ranges::any_of(lines, [&](const auto& line) { return text_width(line) > page; }))
    return false;
  *table = std::move(both);
  return true;
}

// Leaves the first column alone in `table`.
void print_and_restart(std::vector<TableColumn>* table, std::vector<std::string>* lines) {
  if (table->size() == 1) return;
  if (!lines->empty()) lines->emplace_back();
  const std::vector<std::string> more = one_table(*table);
  lines->insert(lines->end(), more.begin(), more.end());
  table->resize(1);
}

}  // namespace

std::string with_commas(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::vector<std::string> layout(const std::vector<TableColumn>& columns, size_t page) {
  std::vector<std::string> lines;
  std::vector<TableColumn> table = {columns[0]};
  for (size_t first = 1, end = 1; first < columns.size(); first = end) {
    for (end = first; end < columns.size() && columns[end].group == columns[first].group;) ++end;
    const std::vector<TableColumn> group(columns.begin() + static_cast<ptrdiff_t>(first),
                                         columns.begin() + static_cast<ptrdiff_t>(end));
    if (!append_if_fits(group, page, &table)) {
      print_and_restart(&table, &lines);
      if (!append_if_fits(group, page, &table)) {
        for (const TableColumn& column : group) {
          if (append_if_fits({column}, page, &table)) continue;
          print_and_restart(&table, &lines);
          table.push_back(column);
        }
      }
    }
  }
  print_and_restart(&table, &lines);
  return lines;
}

std::string wrapped(std::string_view prefix, std::string_view text, size_t page) {
  std::string out(prefix);
  const size_t start = text_width(prefix);
  size_t column = start;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(std::min(text.size(), space + 1));
    const size_t width = text_width(word);
    if (column > start && column + 1 + width > page) {
      out += "\n" + std::string(start, ' ');
      column = start;
    } else if (column > start) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
  }
  return out + "\n";
}

std::string paragraph(std::string_view label, std::string_view text, size_t page) {
  return wrapped(std::string(kIndent, ' ') + padded(label, kLabelColumns, true), text, page);
}

}  // namespace greyhound::lab
