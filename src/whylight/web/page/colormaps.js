// Colour maps as tables of 33 colours from low to high; values between are interpolated.

/** @type {Record<string, {label: string, stops: string}>} */
const TABLES = {
  inferno: {
    label: "Inferno",
    stops: "000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e " +
      "7d1e6d 8a226a 972766 a32c61 b0315b bc3754 c73e4c d24644 db503b e45a31 eb6628 " +
      "f1731d f68013 f98e09 fb9d07 fcac11 fbbc21 f9cb35 f5db4c f2ea69 f3f68a fcffa4",
  },
  viridis: {
    label: "Viridis",
    stops: "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d " +
      "2f6b8e 2c728e 297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a " +
      "3fbc73 4ec36b 5ec962 70cf57 84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725",
  },
  magma: {
    label: "Magma",
    stops: "000004 030312 0a0822 130d34 1d1147 29115a 36106b 440f76 51127c 5d177f 6a1c81 " +
      "762181 832681 902a81 9c2e7f aa337d b73779 c43c75 d0416f dc4869 e75263 ef5d5e " +
      "f56b5c f9795d fc8961 fd9869 fea772 feb67c fec488 fed395 fde2a3 fcf0b2 fcfdbf",
  },
  cividis: {
    label: "Cividis (for colour-blind eyes)",
    stops: "00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d " +
      "5a5f6e 61656f 686a71 6f7073 767676 7d7c78 848279 8c8878 938e78 9b9476 a39a74 " +
      "aba072 b4a76f bcae6c c4b468 cdbb63 d5c25e dec958 e7d150 f0d846 f9e03a fee838",
  },
  gray: {
    label: "Grey",
    stops: "000000 080808 101010 181818 202020 282828 303030 383838 404040 484848 505050 " +
      "585858 606060 686868 707070 787878 808080 888888 909090 989898 a0a0a0 a8a8a8 " +
      "b0b0b0 b8b8b8 c0c0c0 c8c8c8 d0d0d0 d8d8d8 e0e0e0 e8e8e8 f0f0f0 f8f8f8 ffffff",
  },
};

/** From what takes away, over white, to what adds: matplotlib's RdBu, turned. */
const SIGNED = {
  label: "Adds and takes away",
  stops: "053061 0e4179 175290 1f63a8 2a71b2 3480b9 3f8ec0 529dc8 6bacd1 84bcd9 9bc9e0 " +
    "aed3e6 c2ddec d4e6f1 e0ecf3 ecf2f5 f7f6f6 f9eee7 fbe5d8 fddcc9 fbccb4 f8bb9e " +
    "f5aa89 ee9677 e48066 db6b55 d05548 c53e3d ba2832 ab162a 930e26 7c0722 67001f",
};

/** @type {Map<string, Uint8ClampedArray>} */
const made = new Map();

/** Names and labels for a list to choose from. */
export const colormaps = Object.entries(TABLES).map(([name, { label }]) => ({ name, label }));

/**
 * A colour map as 256 colours.
 * @param {string} name
 * @returns {Uint8ClampedArray} red, green, blue of each, 768 bytes
 */
export function colors(name) {
  const known = made.get(name);
  if (known) return known;
  const stops = (name === "signed" ? SIGNED : TABLES[name] ?? TABLES.inferno).stops.split(" ");
  const table = new Uint8ClampedArray(768);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      const [a, b] = [low, low + 1].map((k) => parseInt(stops[k].slice(2 * c, 2 * c + 2), 16));
      table[3 * i + c] = a + (b - a) * (at - low);
    }
  }
  made.set(name, table);
  return table;
}

/** Colours of prompts, told apart also by colour-blind eyes (Okabe and Ito). */
export const PROMPT_COLORS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2", "#999999"];
