/* In place of the sound library of this name, which Go's module archive of Ollama leaves out.
 * Mutda sends no sound: every decoder fails to open, and Ollama then says that it cannot read the file. */
#ifndef MUTDA_NO_AUDIO_H
#define MUTDA_NO_AUDIO_H

#include <stddef.h>

typedef int ma_result;
typedef unsigned int ma_uint32;
typedef unsigned long long ma_uint64;
typedef enum { ma_format_f32 = 5 } ma_format;
typedef struct { ma_format format; ma_uint32 channels, sample_rate; } ma_decoder_config;
typedef struct { int unused; } ma_decoder;

enum { MA_SUCCESS = 0, MA_NOT_IMPLEMENTED = -29 };

static inline ma_decoder_config ma_decoder_config_init(ma_format format, ma_uint32 channels, ma_uint32 sample_rate) {
    ma_decoder_config config = {format, channels, sample_rate};
    return config;
}

static inline ma_result ma_decoder_init_memory(const void *data, size_t size, const ma_decoder_config *config,
                                               ma_decoder *decoder) {
    (void)data, (void)size, (void)config, (void)decoder;
    return MA_NOT_IMPLEMENTED;
}

static inline ma_result ma_decoder_get_length_in_pcm_frames(ma_decoder *decoder, ma_uint64 *length) {
    (void)decoder;
    *length = 0;
    return MA_NOT_IMPLEMENTED;
}

static inline ma_result ma_decoder_read_pcm_frames(ma_decoder *decoder, void *frames, ma_uint64 count,
                                                   ma_uint64 *read) {
    (void)decoder, (void)frames, (void)count;
    *read = 0;
    return MA_NOT_IMPLEMENTED;
}

static inline ma_result ma_decoder_uninit(ma_decoder *decoder) {
    (void)decoder;
    return MA_SUCCESS;
}

#endif
