/** Characters to bytes, as `xtask/src/inline.rs` says. */
function bytesOf(text) {
    const single = [], pairs = [[], []], rare = new Set(Array(256).keys()), bytes = new Uint8Array(text.length);
    let at, size = 0, rank = 0;
    for (at = 32; at < 127; at++) {
        if (/["$<\\]/.test(String.fromCharCode(at))) continue;
        single[at] = (text.charCodeAt(rank) & 15) << 4 | text.charCodeAt(91 + rank++) & 15;
        rare.delete(single[at]);
    }
    const left = [...rare];
    rank = 0;
    single.forEach((_, second) => {
        if (/[!/?Ss{]/.test(String.fromCharCode(second))) return;
        pairs[0][second] = left[rank];
        pairs[1][second] = left[85 + rank++];
    });
    for (at = 182; at < text.length; ) {
        const code = text.charCodeAt(at++);
        bytes[size++] = code == 36 ? pairs[0][text.charCodeAt(at++)]
            : code == 60 ? pairs[1][text.charCodeAt(at++)] : single[code];
    }
    return bytes;
}

/** Streams to a module, as `xtask/src/streams.rs` says; they are numbered as there. */
export function decode(texts) {
    const [bytes, opcodes] = texts.map(bytesOf), at = [0];
    const module = new Uint8Array(bytes.length + 4 * opcodes.length);
    let size = 0, next = 0, operand;
    const put = (number) => {
        for (; number > 127; number >>= 7) module[size++] = number & 127 | 128;
        module[size++] = number;
    };
    const copy = (stream, count) => {
        while (count--) module[size++] = bytes[at[stream]++];
    };
    const read = (stream) => {
        let number = 0, place = 0, byte;
        do {
            module[size++] = byte = operand ?? bytes[at[stream]++];
            operand = undefined;
            number |= (byte & 127) << place;
            place += 7;
        } while (byte > 127);
        return number;
    };
    const reads = (stream, count) => {
        while (count--) read(stream);
    };
    /** A number of something used a while ago. */
    const recall = (stream, recent) => {
        const before = size;
        let rank = read(stream);
        for (let unused = recent.length; unused <= rank; ) recent.push(unused++);
        const number = recent[rank];
        for (; rank; rank--) recent[rank] = recent[rank - 1];
        recent[0] = number;
        size = before;
        put(number);
    };
    /** Puts in front of what stands behind `start` how long it is. */
    const measure = (start) => {
        const end = size;
        put(end - start);
        const length = module.slice(end, size);
        module.copyWithin(start + length.length, start, end);
        module.set(length, start);
    };
    const lengths = Array.from({ length: 12 }, () => read(0));
    lengths.forEach((length, stream) => (at[stream + 1] = at[stream] + length));
    size = 0;
    copy(0, lengths[0]);
    module[size++] = 10;
    const code = size, called = [];
    for (let functions = read(2); functions--; ) {
        const start = size, variables = [];
        reads(2, 2 * read(2));
        for (let depth = 1; depth; ) {
            let opcode = opcodes[next++];
            if (opcode > 223 && opcode < 233) {
                operand = +'010100020'[opcode -= 224];
                opcode = '  AA!$#BB'.charCodeAt(opcode);
            }
            module[size++] = opcode;
            if (opcode > 31 && opcode < 35) recall(6, variables);
            else if (opcode == 65) read(opcodes[next] >> 1 == 53 ? 7 : 8);
            else if (opcode > 39 && opcode < 63) {
                module[size++] = '23230011001122232301012'.charCodeAt(opcode - 40) & 3;
                read(10);
            } else if ((opcode > 68 && opcode < 208) || opcode == 209);
            else if (opcode == 11) depth--;
            else if (opcode == 16) recall(5, called);
            else if (opcode == 12 || opcode == 13) read(4);
            else if (opcode > 1 && opcode < 5) {
                depth++;
                read(3);
            } else if (opcode == 66) read(9);
            else if (opcode == 14) reads(4, read(4) + 1);
            else if (opcode == 17 || opcode == 28) reads(11, 2);
            else if (opcode == 67 || opcode == 68) copy(11, 4 * (opcode - 66));
            else if (opcode == 252) {
                const second = read(11);
                if (second > 7) reads(11, 2 - second % 2);
            } else if (opcode > 34) read(11);
        }
        measure(start);
    }
    measure(code);
    copy(1, lengths[1]);
    return module.slice(0, size);
}
