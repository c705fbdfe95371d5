/* Dead letters as the scripts write them, and calls about them, for tests: one server, one client. */
#ifndef LIVE_LETTERS_H
#define LIVE_LETTERS_H

#include "rig.h"

#define LETTERS_DEAD "{s}in:dead"

extern struct rig letters_rig;
extern vouch_client *letters_client;
extern vouch_error letters_error;

#define letters_expect(status, want)                                                               \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), letters_error.message);     \
    } while (0)

/* Kind 0 … 3: each server, in each protocol. */
void letters_begin(int kind);
void letters_end(void);

/* "n-5", of an entry "n-0" of `stream` with the fields "n" and "m". */
void letters_add(const char *stream, int n);
/* An entry of somebody else's. */
void letters_add_foreign(const char *id);
int64_t letters_length(const char *stream);
/* All words of an entry apart by spaces; static. */
const char *letters_entry(const char *stream, const char *id);

/* Must be done. */
vouch_dead_letters *letters_list(const char *from, uint32_t count);
vouch_replay *letters_replay(const char *const *ids, size_t n, const vouch_replay_options *o);
/* Must be refused as a whole, with these words. */
void letters_refused(const char *const *ids, size_t n, const vouch_replay_options *o,
                     vouch_status want, const char *words);

#endif
