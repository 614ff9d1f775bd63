<?php

namespace App;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;

/**
 * Takes one order: a transaction of two writes, then a read of what was written.
 */
final class OrderController
{
    public function __invoke(Request $request): JsonResponse
    {
        $token = (string) $request->query('token');

        $article = crc32($token) % (int) env('SHOP_ARTICLES', 1) + 1;

        DB::transaction(function () use ($token, $article) {
            DB::table('orders')->insert([
                'token' => $token,
                'article' => $article,
                'node' => DB::raw("concat(@@bind_address, ':', @@port)"),
                'connection' => DB::raw('connection_id()'),
            ]);

            DB::table('articles')->where('id', $article)->increment('sold');
        });

        $order = DB::table('orders')->where('token', $token)->first();

        return new JsonResponse([
            'token' => $token,
            'id' => $order->id,
            'node' => $order->node,
            'connection' => $order->connection,
        ]);
    }
}
