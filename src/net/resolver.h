/* net/resolver.h: one look-up of a host name, in a thread of its own, since the system's resolver
 * blocks and knows no deadline. Whoever asked may go away before it answers. */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include "net/endpoint.h"

struct resolver;

/* Begins. NULL when there is no memory, descriptor or thread for it. */
struct resolver *resolver_start(const struct endpoint *e);
/* Becomes readable when the answer is there. */
int resolver_fd(const struct resolver *r);
bool resolver_done(const struct resolver *r);
/* The answer; as endpoint_resolve. Only once done. */
bool resolver_answer(const struct resolver *r, struct endpoint_addresses *out, char *why,
                     size_t why_size);
/* Lets go of it, at any time: blocks never. If the thread still waits for the system, it releases
 * what is left when it ends. `alone`: this is a forked child, in which that thread is not. */
void resolver_release(struct resolver *r, bool alone);

#endif
