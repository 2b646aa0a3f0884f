namespace HomeStage.Storage;

/// <summary>
/// What can be fetched by ranges, as a read-only, seekable stream. Between reads, however long its reader pauses, it holds one piece in
/// memory and no connection.
/// </summary>
/// <param name="length">The whole length.</param>
/// <param name="piece">The first piece, which is all that there is if it is shorter than others would be; its memory is used for those that follow.</param>
/// <param name="fetch">Fills memory with what is found from an offset on.</param>
internal sealed class RangedStream(long length, byte[] piece, Func<long, Memory<byte>, CancellationToken, Task> fetch) : Stream
{
    private long _heldAt;
    private int _held = piece.Length;
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = (int)Math.Clamp(length - _position, 0, buffer.Length);
        if (wanted == 0)
            return 0;
        var ahead = _position - _heldAt;
        if (ahead < 0 || ahead >= _held)
        {
            // Who takes much at once gets it in one answer.
            if (wanted >= piece.Length)
            {
                await fetch(_position, buffer[..wanted], cancellationToken);
                _position += wanted;
                return wanted;
            }

            _held = 0;
            var next = (int)Math.Min(piece.Length, length - _position);
            await fetch(_position, piece.AsMemory(0, next), cancellationToken);
            (_heldAt, _held, ahead) = (_position, next, 0);
        }

        var read = Math.Min(wanted, _held - (int)ahead);
        piece.AsMemory((int)ahead, read).CopyTo(buffer);
        _position += read;
        return read;
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        var position = offset + origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            _ => length,
        };
        return position < 0 ? throw new IOException("There is nothing before the start.") : _position = position;
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
