// The places where a crash would be most awkward, by name: between a file and the catalogue, around
// each commit, around each end of an operation. The engine passes them in order; tests end the
// process at every one and open the folder again. Thread promise: constants.
#pragma once

#include <array>
#include <string_view>

namespace kc::engine {

inline constexpr std::array<std::string_view, 22> kPoints = {
    "operation.started",        // durable, not begun
    "operation.before_end",     // its work is done or has failed; its end is not written
    "operation.ended",          //
    "ingest.written",           // files in scratch, perhaps not durable
    "ingest.published",         // files durable and in place, not named
    "ingest.before_commit",     // named inside a transaction that is open
    "ingest.committed",         // visible; what was replaced still has its files
    "move.before_commit",       // moves and replacements
    "move.committed",           //
    "drop.before_commit",       // extents
    "drop.committed",           // gone from the catalogue, their files still there
    "tags.before_commit",       //
    "tags.committed",           //
    "export.begun",             // nothing written yet
    "export.written",           // blobs durable, the operation still running
    "merge.written",            //
    "merge.published",          //
    "merge.before_commit",      //
    "merge.committed",          // the new extent is visible, the files of the old ones still there
    "retention.before_commit",  // extents, tags and tables that are past their time
    "retention.committed",      //
    "cursor.before_commit",     // a late cursor
};

}  // namespace kc::engine
