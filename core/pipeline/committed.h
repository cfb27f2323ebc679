// Committed: the only maker of proofs. Each function looks the intent or the fact up in the ledger
// and asserts it, so an effect that would run ahead of the journal is a bug that ends its job
// instead of a row lost or doubled. Thread promise: used inside one core, on its owner's thread.
#pragma once

#include "core/base/check.h"
#include "core/model/ledger.h"
#include "core/pipeline/effects.h"

namespace kc::pipeline {

class Committed {
 public:
  explicit Committed(const Ledger& ledger) : ledger_(ledger) {}

  // Intents, for constructive effects
  Proof table_started(const TableName& table) const { return when(ledger_.tables.contains(table)); }
  Proof export_intended(const Block& block) const {
    return when(same(block) && block.state == BlockState::exporting && !block.operation);
  }
  Proof staging_intended(const TableName& table) const {
    const auto found = ledger_.tables.find(table);
    return when(found != ledger_.tables.end() &&
                found->second.staging.state == StagingState::intended);
  }
  Proof ingest_intended(const Block& block) const {
    return when(same(block) && block.state == BlockState::ingesting && !block.operation);
  }
  Proof move_intended(const Block& block) const {
    return when(same(block) && block.state == BlockState::moving && !block.operation &&
                !block.revoking);
  }
  // Facts and declared ends, for destructive ones
  Proof revoke_intended(const Block& block) const { return when(same(block) && block.revoking); }
  Proof verified(const Block& block) const {
    return when(same(block) && block.state == BlockState::verified);
  }
  Proof staging_drop_intended(const TableName& table) const {
    const auto found = ledger_.tables.find(table);
    return when(found != ledger_.tables.end() &&
                found->second.staging.state == StagingState::dropping);
  }
  // The export attempt is no longer the one that a live block may still be ingested from.
  Proof attempt_over(BlockId id, int attempt) const {
    const auto found = ledger_.blocks.find(id);
    if (found == ledger_.blocks.end()) return when(true);
    const Block& block = found->second;
    return when(attempt < block.export_attempt || block.state == BlockState::planned ||
                block.state == BlockState::failed || block.state == BlockState::moved ||
                block.state == BlockState::verified || ledger_.state == JobState::canceling ||
                stopping_);
  }
  // A job that stops after an error has the right to clean up as a cancelled one has.
  Committed& stopping(bool value) {
    stopping_ = value;
    return *this;
  }

 private:
  bool same(const Block& block) const {
    const auto found = ledger_.blocks.find(block.id);
    return found != ledger_.blocks.end() && &found->second == &block;
  }
  static Proof when(bool committed) {
    KC_ASSERT(committed, "an effect ahead of its commit");
    return {};
  }

  const Ledger& ledger_;
  bool stopping_ = false;
};

}  // namespace kc::pipeline
