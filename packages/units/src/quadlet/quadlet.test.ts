import { describe, expect, it } from "vitest";
import { parseUnitFile } from "../syntax/parse.js";
import { checkQuadlet, isQuadletName } from "./check.js";

/** `line code` of everything that is said. */
function told(name: string, text: string): string[] {
  return checkQuadlet(name, parseUnitFile(text)).map(
    ({ span, code, severity }) => `${span.start.line} ${severity} ${code}`,
  );
}

describe("quadlet files", () => {
  it("are told by their names", () => {
    expect(isQuadletName("web.container")).toBe(true);
    expect(isQuadletName("web@.pod")).toBe(true);
    expect(isQuadletName("web.service")).toBe(false);
    expect(told("web.service", "")).toEqual(["1 error invalid-name"]);
  });

  it("take the keys of their section and of the service", () => {
    const text = `[Unit]
Description=Web
After=db.service db.container
[Container]
Image=docker.io/nginx
Environment=A=1 "B=2 3"
PublishPort=80:80
Notify=healthy
RunInit=yes
[Service]
Restart=always
[Install]
WantedBy=default.target
[Quadlet]
DefaultDependencies=false
`;
    expect(told("web.container", text)).toEqual([]);
  });

  it("are told of with place and hint", () => {
    const text = "[Container]\nImag=nginx\nRunInit=maybe\nSubnet=10.0.0.0/8\nRemapUsers=x\n[Pod]\n";
    expect(told("web.container", text)).toEqual([
      "1 error missing-setting",
      "2 warning unknown-key",
      "3 warning bad-value",
      "4 warning unknown-key",
      "5 info deprecated",
      "6 warning unknown-section",
    ]);
    const [, unknown] = checkQuadlet("web.container", parseUnitFile(text));
    expect(unknown?.hint).toBe("Did you mean Image=?");
  });

  it("may not have a user in [Service]", () => {
    const text = "[Container]\nImage=x\n[Service]\nUser=web\n";
    expect(told("web.container", text)).toEqual(["4 error wrong-section"]);
  });
});
