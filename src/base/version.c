/* The library's version. In the lowest layer, because the handshake tells it to the server. */
#include <vouch/common.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *vouch_version(void)
{
    return TEXT(VOUCH_VERSION_MAJOR) "." TEXT(VOUCH_VERSION_MINOR) "." TEXT(VOUCH_VERSION_PATCH);
}
