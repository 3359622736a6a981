import { describe, expect, it } from "vitest";
import { readCodename, readDistributionSources } from "../../scripts/apt.ts";
import { createFakeMachine } from "./fake-machine.ts";

function setup(files: Readonly<Record<string, string>>) {
  const machine = createFakeMachine();
  machine.write("etc/os-release", 'NAME="Debian"\nVERSION_CODENAME=bookworm\n');
  for (const [name, text] of Object.entries(files)) machine.write(`etc/apt/${name}`, text);
  return machine.root;
}

describe("the machine's apt sources", () => {
  it("are read from lines", () => {
    const root = setup({
      "sources.list": [
        "# deb http://old.example.org/debian bookworm main",
        "deb http://mirror.example.org/debian bookworm main contrib # the nearest",
        "deb-src http://mirror.example.org/debian bookworm main",
        "deb http://mirror.example.org/debian bookworm-updates main",
        "",
      ].join("\n"),
      "sources.list.d/second.list":
        "deb [arch=amd64 signed-by=/k.gpg] https://second.example.org/debian bookworm main\n",
    });

    expect(readDistributionSources(root)).toEqual([
      { uris: "http://mirror.example.org/debian", suites: "bookworm", components: "main contrib" },
      {
        arch: "amd64",
        "signed-by": "/k.gpg",
        uris: "https://second.example.org/debian",
        suites: "bookworm",
        components: "main",
      },
    ]);
  });

  it("are read from stanzas, with comments in them and a key over several lines", () => {
    const root = setup({
      "sources.list.d/debian.sources": [
        "# The distribution",
        "Types: deb deb-src",
        "# URIs: http://old.example.org/debian",
        "URIs: http://mirror.example.org/debian",
        "Suites: bookworm bookworm-updates",
        "Components: main",
        "signed-by:",
        " -----BEGIN PGP PUBLIC KEY BLOCK-----",
        " .",
        " -----END PGP PUBLIC KEY BLOCK-----",
        "",
        "Types: deb",
        "URIs: http://mirror.example.org/debian-security",
        "Suites: bookworm-security",
        "Components: main",
        "",
      ].join("\n"),
    });

    expect(readDistributionSources(root)).toEqual([
      {
        types: "deb deb-src",
        uris: "http://mirror.example.org/debian",
        suites: "bookworm bookworm-updates",
        components: "main",
        "signed-by": "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n -----END PGP PUBLIC KEY BLOCK-----",
      },
    ]);
  });

  it("leave out what is switched off, has no binaries, or is another vendor's", () => {
    const stanza = (types: string, suite: string, components: string, more = ""): string =>
      `Types: ${types}\nURIs: http://other.example.org\nSuites: ${suite}\nComponents: ${components}\n${more}`;
    const root = setup({
      "sources.list.d/off.sources": stanza("deb", "bookworm", "main", "Enabled: no\n"),
      "sources.list.d/source.sources": stanza("deb-src", "bookworm", "main"),
      "sources.list.d/vendor.sources": stanza("deb", "bookworm", "stable"),
      "sources.list.d/tool.list": "deb http://tool.example.org nodistro main\n",
      "sources.list.d/gone.list.disabled": "deb http://gone.example.org bookworm main\n",
    });

    expect(readDistributionSources(root)).toEqual([]);
  });

  it("are none, and there is no code name, where there is no apt", () => {
    const { root } = createFakeMachine();

    expect(readDistributionSources(root)).toEqual([]);
    expect(readCodename(root)).toBeUndefined();
  });
});
