package memstore_test
import ("testing";"time";"fmt";"path/filepath";"github.com/assessplan/assessplan/memstore")
func TestZZ(t *testing.T){
 s:=pendingTasks(t,0,200000)
 p:=filepath.Join(t.TempDir(),"x")
 for range 3 {
 a:=time.Now(); err:=s.Save(p); fmt.Println("save",time.Since(a),err)
 a=time.Now(); _,err=memstore.Open(p); fmt.Println("open",time.Since(a),err)
 }
}
