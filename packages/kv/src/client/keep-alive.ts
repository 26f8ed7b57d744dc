import { KvError } from "../api/errors.js";
import type { LeaseId } from "../api/types.js";
import { encode, Reader, readLeaseTtlResponse, writeLeaseId } from "../codec/index.js";
import type { CallFailure, CallSettings, GrpcChannel } from "./grpc-channel.js";
import { toFailure } from "./grpc-channel.js";

const PATH = "/etcdserverpb.Lease/LeaseKeepAlive";

/** One keep-alive over a stream of its own. Resolves to the seconds; rejects with a {@link CallFailure}. */
export function leaseKeepAliveOnce(
  channel: GrpcChannel,
  id: LeaseId,
  settings: CallSettings,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { signal } = settings;
    const stream = channel.bidi(PATH, settings.metadata);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      stream.cancel();
      act();
    };
    const fail = (error: KvError, endpointDown: boolean): void => {
      const failure: CallFailure = {
        error,
        unexecuted: true,
        endpointDown,
        permanent: !endpointDown,
      };
      settle(() => reject(failure));
    };
    const timer = setTimeout(
      () => fail(new KvError("timeout", `${channel.address} did not answer in time`), true),
      settings.timeoutMs,
    );
    const abort = (): void => fail(new KvError("cancelled", "the call was aborted"), false);
    stream.on("data", (bytes) => {
      const { ttl } = readLeaseTtlResponse(new Reader(bytes));
      if (ttl > 0) settle(() => resolve(ttl));
      else fail(new KvError("lease-not-found"), false);
    });
    // A renewal may be repeated freely, so whether it was executed does not matter.
    stream.on("error", (error) => settle(() => reject(toFailure(error, channel.address))));
    stream.on("end", () => fail(new KvError("unavailable", `${channel.address} hung up`), true));
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    stream.write(encode(writeLeaseId, id));
  });
}
