/** Writes to one of the process's streams; resolves when it is taken. */
function write(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  if (data.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

export const printOut = (data: string | Uint8Array): Promise<void> => write(process.stdout, data);
export const printError = (data: string): Promise<void> => write(process.stderr, data);
