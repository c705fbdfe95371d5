/* What each kind of limit is, in exact arithmetic and without a server: what the scripts are compared with.
 * Told the time; holds its state in another form than they do. */
#ifndef LIVE_LIMIT_MODEL_H
#define LIVE_LIMIT_MODEL_H

#include <vouch/ratelimit.h>

enum { MODEL_LEASES = 6, MODEL_ABSENT = -2 };

struct limit_model;

/* Of specs that vouch_limiter_new takes. */
struct limit_model *limit_model_new(const vouch_limit_spec *specs, size_t n);
void limit_model_free(struct limit_model *m);

/* What a call is told at that microsecond. Leases are numbers below MODEL_LEASES; -1: none is named. */
void limit_model_call(struct limit_model *m, int64_t now, vouch_limit_action action,
                      const int64_t *costs, int lease, vouch_decision *out);
/* What the key of limit i then has for its PEXPIRETIME: MODEL_ABSENT if there is no such key. */
int64_t limit_model_expires(const struct limit_model *m, size_t i);

#endif
