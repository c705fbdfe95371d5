/* A socket nobody accepts from. */
#include "hole.h"

#include <check.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

struct hole hole_dig(ts_transport transport)
{
    struct hole h = {0};
    ts_temp_make(h.folder);
    h.address = ts_address_new(transport, h.folder, "s");
    h.listener = ts_listen(&h.address);
    ck_assert_int_ge(h.listener, 0);
    ck_assert_int_eq(listen(h.listener, 0), 0);
    for (int i = 0; i < HOLE_FILLERS; i++) {
        h.fillers[i] = ts_connect_start(&h.address);
        struct pollfd p = {.fd = h.fillers[i], .events = POLLOUT};
        if (i == 0) /* the next ones find the queue full */
            ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
    }
    return h;
}

void hole_close(struct hole *h)
{
    for (int i = 0; i < HOLE_FILLERS; i++)
        if (h->fillers[i] >= 0)
            (void)close(h->fillers[i]);
    (void)close(h->listener);
    ts_temp_remove(h->folder);
}
