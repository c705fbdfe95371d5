/* What runs inside the server: scripts/lua/stream/, embedded. Pure. */
#include "stream/commit.h"

#include "stream/sources.inc"

const char *commit_source(size_t *size)
{
    *size = sizeof lua_commit;
    return lua_commit;
}

const char *open_source(size_t *size)
{
    *size = sizeof lua_open;
    return lua_open;
}
