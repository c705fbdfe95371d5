/* What the tests of function libraries share: libraries of one name in versions, and what the server
 * has under that name, asked without vouch. */
#ifndef LIVE_SHELF_H
#define LIVE_SHELF_H

#include "rig.h"

#define SHELF_SOURCE_MAX 512

/* Writes the source of library `bank` in this version: `deposit` adds its argument to its key,
 * `version` returns the version. "" states none. */
const char *shelf_source(char out[static SHELF_SOURCE_MAX], const char *version);
/* A library of that source; of any source. The test fails if there cannot be one. */
vouch_library *shelf_version(const char *version);
vouch_library *shelf_library(const char *source, const vouch_library_options *options);

/* The version that the source on the server states; "-" if there is no library `bank`, "?" if its source
 * states none. Borrowed until the next call. */
const char *shelf_there(const ts_server *server);
/* Whether there is a library of that name. */
bool shelf_has(const ts_server *server, const char *name);
/* FUNCTION LOAD REPLACE, by another client; the test fails if it is refused. */
void shelf_put(const ts_server *server, const char *source);
void shelf_put_version(const ts_server *server, const char *version);
/* FUNCTION FLUSH likewise. */
void shelf_clear(const ts_server *server);

/* Ends the test, with the words, if the status is another. */
#define shelf_expect(status, want, error)                                                          \
    do {                                                                                           \
        vouch_status got_ = (status);                                                              \
        ck_assert_msg(got_ == (want), "%s: %s", vouch_status_name(got_), (error).message);         \
    } while (0)

#endif
