/* Commits put together by hand, for tests of single rules: entries of one stream, whose effects count in a
 * ledger, and answers as short texts. */
#ifndef COMMIT_HAND_H
#define COMMIT_HAND_H

#include "commit_stage.h"

#include <check.h>

extern struct commit_stage stage;
extern struct commit_call call; /* changed at will between hand_begin and hand_run */

/* An empty server, with the group open in generation G; entries "1-0" … n. */
void hand_set_up(int n);
/* A consumer reads so many; as it would, without looking. */
void hand_read(const char *consumer, const char *count);
/* Takes that entry from whoever has it. */
void hand_claim(const char *consumer, const char *id);

/* The next call: of this consumer, with this sequence, which holds so many. */
void hand_begin(const char *consumer, int64_t sequence, int64_t held);
/* One more entry, with the effect HINCRBY {s}:ledger <id> 1, to which more can be added. */
vouch_batch *hand_entry(const char *id);
vouch_batch *hand_follower(const char *id);
/* The last one is to be buried for that; NULL: not. */
void hand_reason(const char *reason);
/* "done dd", "again dd", "stale 3", "reset G", "type 1 0 hash", or the server's words. */
const char *hand_run(void);
/* All three of a call with one entry, or several apart by spaces; each follows the one before it if it is
 * written "+2-0". */
const char *hand_commit(const char *consumer, int64_t sequence, int64_t held, const char *ids);
/* Opens with the fresh generation: "there G 5-0 0". */
const char *hand_open(const char *generation, const char *start, bool mend);

/* How often an entry's effect was applied. */
int64_t hand_applied(const char *id);
/* Fields of the state, "" if missing; static until the next but three. */
const char *hand_state(const char *field);
/* What it keeps of a consumer's last commit, without the time. */
const char *hand_kept(const char *field);
/* Ids pending with a consumer, or all (NULL), apart by spaces. */
const char *hand_pending(const char *consumer);
/* A digest of all that the server holds, to see that nothing was done. */
const char *hand_everything(void);

/* main of such a program: the tests, NULL at the end, on both servers. */
int hand_main(const char *name, const TTest *const *tests);

#endif
