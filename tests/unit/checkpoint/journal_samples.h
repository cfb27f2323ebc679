// What the journal's tests share: one record of every type, and a fold so simple that it is right
// by looking at it: every commit carries numbers, and a replay gives the list of them. Thread
// promise: tests; one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/checkpoint/journal.h"
#include "core/model/records.h"

namespace kc {

// Uuids that can be told apart in a message: 0000000n-…
Uuid writer_number(int n);

std::vector<Record> sample_records();

using Numbers = std::vector<std::int64_t>;
std::vector<Record> carrying(const Numbers& numbers);
std::vector<Record> snapshot_of(const Numbers& numbers);

// Collects the numbers that a replay brings.
struct Collected {
  Numbers numbers;
  int begun = 0;
  JournalReplay replay();
};

// The numbers that a reader finds now; the test fails where the journal cannot be read.
Numbers read_numbers(Lake& lake);

// A whole file around lines that need not be right, with the checksum that belongs to it.
std::string sealed(const std::string& lines);

}  // namespace kc
