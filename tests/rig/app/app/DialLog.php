<?php

namespace App;

use Illuminate\Http\Request;
use PDO;

/**
 * Says before each dial where it goes and after it which connection came of it, so
 * that a failure can be laid at the right door from outside.
 */
final class DialLog
{
    /**
     * The node that was dialled last in this request.
     */
    public ?string $node = null;

    public function __construct(private Request $request)
    {
    }

    public function dialing(string $node): void
    {
        $this->node = $node;

        $this->write('dialing', $node);
    }

    public function dialed(string $node, PDO $pdo): void
    {
        $this->write('dialed', $node, (int) $pdo->query('select connection_id()')->fetchColumn());
    }

    private function write(string $event, string $node, ?int $connection = null): void
    {
        $line = json_encode([
            'at' => hrtime(true),
            'event' => $event,
            'token' => (string) $this->request->query('token'),
            'node' => $node,
            'connection' => $connection,
            'pid' => getmypid(),
        ]);

        file_put_contents(env('RIG_DIAL_LOG'), $line."\n", FILE_APPEND);
    }
}
