/* Characters, put together from bytes. */
#include "shell/line/character.h"

#include <string.h>
#include <wchar.h>

void sh_character_add(sh_character *character, char byte)
{
    mbstate_t state;
    memset(&state, 0, sizeof state);
    character->byte[character->length++] = byte;
    size_t width = mbrtowc(NULL, character->byte, character->length, &state);
    bool goes_on = width == (size_t)-2 && character->length < MB_LEN_MAX;
    character->whole = !goes_on;
    if (width != (size_t)-1 || character->length == 1) return;
    character->length = 0;
    sh_character_add(character, byte);
}

void sh_drop_halves(char *text)
{
    sh_character character = {.length = 0};
    char *to = text;
    for (const char *from = text; *from; from++) {
        sh_character_add(&character, *from);
        if (!character.whole) continue;
        memcpy(to, character.byte, character.length);
        to += character.length;
        character.length = 0;
    }
    *to = '\0';
}
