// Some test environments (jsdom under Jest) have no text codecs.
function decodeText(bytes) {
    if (typeof TextDecoder === 'function') return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    let text = '';
    for (const byte of bytes) text += (byte < 16 ? '%0' : '%') + byte.toString(16);
    return decodeURIComponent(text);
}

function encodeText(text) {
    if (typeof TextEncoder === 'function') return new TextEncoder().encode(text);
    const escaped = encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd'));
    const bytes = escaped.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}

// A timer keeps no Node process alive; the facade does while somebody waits.
function setTimeout(run, delay) {
    const timer = globalThis.setTimeout(run, delay);
    timer.unref?.();
    return timer;
}
